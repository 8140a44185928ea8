"""What programs share: options, files, the terminal, one training with checkpoints, and the report."""

# ruff: noqa: F401
from .files import check_files
from .options import add_common_options, add_model_options, add_string_options, choices, parser
from .options import settle_options, with_and_without_attention
from .program import Progress, Stop, finish, prompts, run, say
from .report import Claim, Result, bars, by_group, claims_table, conclude, example_map, examples, figures
from .report import judge, long_examples, longest, percent, shares, short_to_long, summary
from .strings import string_figures, talk
from .training import BATCH, Best, Run, fit, fit_each, held_out_stream, random_streams
