"""What is the same on every page, whatever was measured: style, introduction, slider, script.

Read svg.py before this. After it: page.py, which puts pictures where INTRODUCTION says DIAGRAM and tables
where SLIDER says NUMBERS, and writes the grids of one decoding before SCRIPT, as `const DATA`.

Not here: anything measured.
"""

from .svg import STYLE

TITLE = "Which problem of seq2seq does attention solve?"

HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>TITLE</title>
<style>
  :root { color-scheme: light dark; --ink: #1b1b1f; --paper: #fdfdfb; --line: #8886;
          --plus: 0, 103, 168; --minus: 194, 78, 0; }
  @media (prefers-color-scheme: dark) {
    :root { --ink: #e8e8ea; --paper: #17181c; --plus: 103, 183, 255; --minus: 255, 147, 80; } }
STYLE
  body { font: 17px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 68rem;
         margin: 2rem auto; padding: 0 1rem; overflow-wrap: break-word; }
  p, figcaption, dl, nav, .steps { max-width: 44rem; } h1 { line-height: 1.2; } h2 { margin-bottom: .2rem; }
  section { border-top: 1px solid var(--line); padding: .5rem 0 1.5rem; } a { color: var(--c2); }
  .question { font-size: 1.15rem; font-style: italic; margin-top: 0; }
  .about, figcaption { font-size: .92rem; opacity: .85; } figcaption { margin: .4rem 0; }
  dt { font-weight: 600; float: left; clear: left; margin-right: .5rem; } dd { margin: 0 0 .3rem 1.2rem; }
  figure { margin: 1.5rem 0; }
  .panels { display: grid; gap: 1.2rem 1.6rem; grid-template-columns: minmax(0, 1fr); max-width: 31rem; }
  @media (min-width: 44rem) {
    .p2, .p3 { grid-template-columns: repeat(2, minmax(0, 1fr)); max-width: 60rem; } }
  @media (min-width: 62rem) { .p3 { grid-template-columns: repeat(3, minmax(0, 1fr)); max-width: none; } }
  summary { cursor: pointer; } .scroll { overflow-x: auto; margin: .8rem 0; }
  table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
  caption { text-align: left; font-weight: 600; white-space: nowrap; }
  td, th { padding: .1rem .45rem; text-align: right; font-weight: normal; white-space: nowrap; }
  tbody th, thead th:first-child { text-align: left; } thead { border-bottom: 1px solid var(--line); }
  .control { display: flex; gap: .5rem; align-items: center; padding: .5rem 0; }
  .control input { flex: 1; min-width: 0; accent-color: var(--c2); }
  button { font: inherit; min-width: 2.6rem; min-height: 2.2rem; }
  .said { min-height: 6.3em; margin: .2rem 0; } @media (min-width: 44rem) { .said { min-height: 3.2em; } }
  .out { font: 1.1rem ui-monospace, monospace; letter-spacing: .3em; }
  .stage { border-left: 3px solid transparent; padding: .2rem 0 .2rem .7rem; margin: .6rem 0; }
  .stage.now { border-color: var(--c2); } .stage.later { opacity: .2; }
  .stage h3 { margin: 0; font-size: 1rem; }
  .strip { display: flex; height: 1.6rem; border: 1px solid var(--line); } .strip i { flex: 1; }
  .columns { display: flex; gap: 2px; }
  .columns div { flex: 1; min-width: 0; text-align: center; font: 12px/1.3 ui-monospace, monospace; }
  .columns .well { position: relative; height: 5rem; background: var(--soft); }
  .well i { position: absolute; left: 15%; right: 15%; background: var(--c2); }
  .guess, .guess span { display: flex; gap: .5rem; align-items: center; font: 14px ui-monospace, monospace; }
  .guess b { width: 3rem; overflow: hidden; } .guess span { flex: 1; }
  .guess i { height: .9rem; background: var(--c2); }
</style></head><body><header>
<h1>TITLE</h1>""".replace("TITLE", TITLE).replace("STYLE", STYLE)

INTRODUCTION = """
<p>A <b>sequence-to-sequence</b> model (seq2seq) reads one sequence, the <b>source</b>, and writes another.
Translation is of that kind. Here the sequences are strings of random letters and the task is, mostly, to
write them in reverse: there is always one right answer, and it is known which letter of the source each of
its letters comes from.</p>
<p>The <b>encoder</b> reads the source token by token (a token is a letter here, or the sign for the end). It
keeps a <b>state</b>, a list of numbers of a fixed size, and changes it with every token. The <b>decoder</b>
then writes the answer token by token, and has a state of its own.</p>
<p>Without attention the decoder gets one thing from the encoder: its last state, <b>one fixed vector</b>, as
large for thirty tokens as for one. With <b>attention</b> every state of the encoder is kept. Before each
token the decoder compares its own state with all of them; that gives a <b>score</b> for each place of the
source. Softmax turns the scores into <b>weights</b> that sum to 1, and the mean of the encoder’s states with
these weights is the <b>context</b>, made afresh for every token. It is an exam with open books instead of
one from memory.</p>
DIAGRAM
<p>What follows was measured, on strings that never occur in training. Names that come up:</p>
<dl>
<dt>fixed</dt><dd>the vector is where the decoder starts from, and that is all (Sutskever et al. 2014)</dd>
<dt>peeky</dt><dd>the same vector is also shown to the decoder at each step (Cho et al. 2014)</dd>
<dt>luong</dt><dd>attention, after the decoder’s step (Luong et al. 2015)</dd>
<dt>bahdanau</dt><dd>attention, before the decoder’s step (Bahdanau et al. 2015)</dd>
<dt>rnn, gru, lstm</dt><dd>cells: three ways to change a state with a token; the last two have gates that can
protect what is in it</dd>
<dt>hidden, H</dt><dd>how many numbers a state has</dd>
<dt>exact match</dt><dd>the share of strings that are answered rightly to the last token</dd></dl>"""

SLIDER = """<section id="step-by-step"><h2>One string, step by step</h2>
<p class="question">What happens between the decoder’s state and the token it writes?</p>
<p>The slider goes through five stages for each token: state, scores, weights, context, token. Arrow keys
move it by one stage, the two buttons by one token. In state and context each stripe is one number: blue
above zero, orange below, pale near zero.</p>
<noscript><p>The slider needs JavaScript; its numbers are in the tables below.</p></noscript>
<div class="steps"><div class="control">
<button type="button" id="back" aria-label="previous token">◀</button>
<input type="range" id="when" min="0" value="0" aria-label="stage of decoding">
<button type="button" id="on" aria-label="next token">▶</button></div>
<p class="said" id="said" aria-live="polite"></p>
<p>written so far: <span class="out" id="out"></span></p><div id="stages"></div></div>
<details><summary>The numbers</summary>NUMBERS</details></section>
"""

SCRIPT = r"""
const STAGES = ["state", "scores", "weights", "context", "token"], T = DATA.output.length;
const by = id => document.getElementById(id), known = Number.isFinite, finite = a => a.flat(2).filter(known);
const add = (parent, tag, text = "", name = "") => {
  const e = parent.appendChild(document.createElement(tag));
  e.textContent = text; e.className = name; return e;
};
const letter = label => label.split(" ").slice(1).join(" ") || label;
const digits = v => known(v) ? v.toFixed(2).replace("-", "−") : "–";
const percent = v => known(v) ? `${(100 * v).toFixed(1)}%` : "–";
const peak = row => row.reduce((best, v, s) => known(v) && !(v <= row[best]) ? s : best, 0);
const most = row => row[peak(row)];
const place = s => `place ${s + 1}, “${letter(DATA.source[s])}”`;
const span = a => `from ${digits(Math.min(...finite(a)))} to ${digits(Math.max(...finite(a)))}`;

const boxes = STAGES.map(name => {
  const box = add(by("stages"), "div"); add(box, "h3", name); add(box, "div"); return box;
});
function fresh(stage, kind, said) {  // the empty picture of a stage
  const e = boxes[STAGES.indexOf(stage)].lastChild;
  e.replaceChildren(); e.className = kind;
  e.setAttribute("role", "img"); e.setAttribute("aria-label", `${stage}: ${said}`);
  return e;
}
const full = Math.max(1e-9, ...finite([DATA.state, DATA.context]).map(Math.abs));
function strip(stage, values) {  // numbers as colours: one hue above zero, one below
  const e = fresh(stage, "strip", `${values.length} numbers, ${span(values)}`);
  values.forEach((v, n) => {
    const stripe = add(e, "i"); stripe.title = `${n + 1}: ${digits(v)}`;
    if (known(v)) stripe.style.background = `rgba(var(--${v < 0 ? "minus" : "plus"}), ${Math.abs(v) / full})`;
  });
}
function columns(stage, values, low, high, say) {  // bars above the tokens of the source
  const e = fresh(stage, "columns", values.map((v, s) => `${DATA.source[s]}: ${say(v)}`).join("; "));
  const part = v => `${100 * v / (high - low)}%`;
  values.forEach((v, s) => {
    const column = add(e, "div"), bar = add(add(column, "div", "", "well"), "i");
    add(column, "div", letter(DATA.source[s])); column.title = `${DATA.source[s]}: ${say(v)}`;
    if (known(v)) { bar.style.bottom = part(Math.min(v, 0) - low); bar.style.height = part(Math.abs(v)); }
  });
}
function guesses(stage, tokens, shares) {  // the most probable tokens
  const e = fresh(stage, "", tokens.map((token, n) => `${token} ${percent(shares[n])}`).join(", "));
  tokens.forEach((token, n) => {
    const row = add(e, "div", "", "guess"); add(row, "b", token);
    const room = add(row, "span"); add(room, "i").style.width = `${known(shares[n]) ? 85 * shares[n] : 0}%`;
    add(room, "small", percent(shares[n]));
  });
}
const SAID = [  // what happens at each stage of step t
  t => `The decoder reads ${t ? `the token it just wrote, “${letter(DATA.output[t - 1])}”`
    : "the start sign"}. Its state is now ${DATA.state[t].length} numbers, ${span(DATA.state[t])}.`,
  t => `The state is compared with each of the ${DATA.source.length} states of the encoder.
    The highest score, ${digits(most(DATA.scores[t]))}, is that of ${place(peak(DATA.scores[t]))}.`,
  t => `Softmax turns the scores into weights that sum to 1.
    ${percent(most(DATA.weights[t]))} of the weight lies at ${place(peak(DATA.weights[t]))}.`,
  t => `The context is the mean of the encoder’s states with these weights, made for this token alone:
    ${DATA.context[t].length} numbers, ${span(DATA.context[t])}.`,
  t => `From state and context the model writes the most probable token: “${DATA.tokens[t][0]}”,
    probability ${percent(DATA.probabilities[t][0])}.`,
];
const low = Math.min(0, ...finite(DATA.scores)), high = Math.max(low + 1e-9, 0, ...finite(DATA.scores));
function show() {
  const now = +by("when").value, t = Math.floor(now / 5), k = now % 5;
  const where = `Token ${t + 1} of ${T}, ${STAGES[k]}`;
  by("said").textContent = `${where}. ${SAID[k](t)}`;
  by("when").setAttribute("aria-valuetext", where);
  by("out").textContent = DATA.output.slice(0, t + (k === 4)).map(letter).join("") || "…";
  strip("state", DATA.state[t]); columns("scores", DATA.scores[t], low, high, digits);
  columns("weights", DATA.weights[t], 0, 1, percent); strip("context", DATA.context[t]);
  guesses("token", DATA.tokens[t], DATA.probabilities[t]);
  boxes.forEach((box, n) => {
    box.className = `stage ${n === k ? "now" : n > k ? "later" : ""}`; box.setAttribute("aria-hidden", n > k);
  });
}
function go(now) { by("when").value = Math.min(Math.max(now, 0), 5 * T - 1); show(); }
const end = step => 5 * (Math.floor(by("when").value / 5) + step) + 4;
by("when").max = 5 * T - 1; by("when").oninput = show;
by("back").onclick = () => go(Math.max(end(-1), 4)); by("on").onclick = () => go(end(1));
go(4);
"""
