"""From one fixed vector to the Transformer, one change at a time: `python -m demos.transformer`.

All models reverse strings of 1 to 20 letters. They see the same strings, for the same number of steps.

    fixed vector             a recurrent encoder reads; its last state is all that the decoder gets
    luong                    the decoder looks back at every state of the encoder: attention
    self-attending encoder   the encoder has no recurrence: its tokens look at one another
    transformer              the decoder has none either

Models beside the road show what it is not. Under the decoder of the first model, with the mean of its
memories as the one vector, the Transformer's encoder does no better: the vector is the bottleneck, not the
recurrence. And without positions on the source the Transformer still sorts strings of 1 to 10 letters, but it
cannot reverse them: what recurrence was for is the order of the tokens.

Then, of each model: how many operations have to wait for one another, and how many lie between the first
letter and the output that repeats it, both counted by numbers that remember how they were made; how much of
an output's gradient reaches its letter before training; how the models do on strings longer than those of
training; and where each head of the Transformer looks. Takes about four minutes.
"""

from .. import shared
from .chains import COUNTED, chain
from .heads import drawn, maps_of, page
from .ladder import BESIDE, ROAD, config_of, figures, gradient_shares, held_out, tag, train
from .report import claimed, claimed_untrained, trained_tables, untrained_tables

MAPPED = 6, 9, 12  # letters of the strings whose maps are shown


def main(arguments=None):
    """Measure what needs no training, train one model after another, show; returns the exit status."""
    options = read_options(arguments)
    chains = {name: {n: chain(rung.choices, n) for n in COUNTED} for name, rung in ROAD.items()}
    reach = {name: gradient_shares(rung, options) for name, rung in ROAD.items()}
    before = "\n\n".join(untrained_tables(chains, reach))
    shared.say(f"Before any training\n\n{before}\n")
    results = train(options)
    found = {name: figures(result) for name, result in results.items()}
    claims, maps = [*claimed(found), *claimed_untrained(chains, reach)], head_maps(results, options)
    after, verdict = "\n\n".join(trained_tables(found)), shared.claims_table(claims)
    text = "\n\n".join(["", after, *map(drawn, maps[:1]), verdict])
    counts = {name: {n: c._asdict() for n, c in of.items()} for name, of in chains.items()}
    measured = {"seed": options.seed, "models": found, "operations": counts, "gradients": reach}
    measured["claims"] = [claim.as_dict() for claim in claims]
    stopped = [result.run.stopped for result in results.values()][-1]
    return shared.finish(options, text, measured, lambda: page([before, after, verdict], maps), stopped)


def read_options(arguments):
    command = shared.parser("transformer", __doc__)
    shared.add_common_options(command, seed=0, steps=1200, hidden=64, html="tables and heads side by side")
    options = shared.settle_options(command.parse_args(arguments))
    shared.check_files(options, [tag(name) for name in ROAD | BESIDE])
    for rung in ROAD.values():
        config_of(rung, options)  # raises ValueError for a --hidden that no model could have
    return options


def head_maps(results, options):
    """The Maps of the Transformer for a few strings; none if it was not trained."""
    name = "transformer"
    words = [held_out(ROAD[name], options, 1, n)[0][0] for n in MAPPED if name in results]
    return [maps_of(results[name].run, word) for word in words]


if __name__ == "__main__":
    shared.run(main)
