"""Appendix: showing. Maps, bars and tables as text, and a page with a slider.

Before this: generate.py. Used by the demos; no chapter needs it.

Notation: T output tokens (down), S source tokens (across). Every function returns a string; nothing here
prints. Padding is never drawn: callers hand over the real part of a map only.

A worked example. The first output token looks at the second source token, the second one at both:

    >>> print(attention_map([[0.0, 1.0], [0.5, 0.5]], ["the", "cat"], ["chat", "le"]))
          the cat
    chat │    ████│
    le   │▒▒▒▒▒▒▒▒│
    >>> print(writable("le   │▒▒▒▒▒▒▒▒│  ✓", "ascii"))
    le   |::::::::|  ok

Not here: figures (training.py) and files (the demos).
"""

import html
import json
import re
import shutil
import unicodedata

SHADES = " ░▒▓█"
EOS_SIGN = "⏎"
SIGNS = "░▒▓█▏▎▍▌▋▊▉│⏎✓✗"  # all that is drawn here
ASCII = dict(zip(f"{SIGNS}…·–←→≥≤", (*".:+#...++++|$", "ok", "--", *"._-<>", ">=", "<=")))  # also what the demos add
STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
UNSEEN = "Mn", "Me", "Mc", "Cf"  # categories of marks and of invisible characters
JOINER, EMOJI_STYLE, VIRAMA = "\u200d", "\ufe0f", 9  # the last one is a combining class


def printable(line):
    """A line from elsewhere (data, names of files, a student's words) with � for each character that steers a
    terminal in place of being shown: control characters, ends of lines, overridden directions.

    >>> printable("\x1b[2Jgone")
    '�[2Jgone'
    """
    return STEERING.sub("�", line)


def writable(text, encoding):
    """The text in characters that a stream of this encoding has; each line as wide as before.

    Where one of SIGNS is missing all of them become ASCII: a map without some of its shades would be misread.
    Any other character that is missing becomes ?. The encoding None has all characters.
    """
    if not _has(encoding, SIGNS):
        text = re.sub("(?<=[✓✗]) (?= )", "", text)  # "ok" takes one column more
        text = re.sub(f"[{SIGNS}]", lambda sign: ASCII[sign[0]], text)
    if _has(encoding, text):
        return text
    return "".join(c if _has(encoding, c) else ASCII.get(c, "?" * width(c)) for c in text)


def _has(encoding, text):
    try:
        text.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def width(text):
    """Columns that a text takes on a terminal.

    Wide characters take two. Marks, invisible characters, and the vowels and final consonants of a decomposed
    Hangul syllable take none. Characters that are joined (after a virama, in an emoji) take two together, and
    so does a letter with a spacing mark.

    >>> [width(text) for text in ("cat", "한글", "कुत्ता", "👩‍👩‍👧")]
    [3, 4, 3, 2]
    """
    columns, joins = [0], False
    for c in text:
        category, before = unicodedata.category(c), columns[-1]
        if before and (category == "Mc" or c == EMOJI_STYLE):
            columns[-1] = 2
        elif joins and category not in UNSEEN or before == 2 and "🏻" <= c <= "🏿":
            columns[-1] = 2
        elif not (category in UNSEEN or "\u1160" <= c <= "\u11ff" or "\ud7b0" <= c <= "\ud7ff"):
            columns.append(2 if unicodedata.east_asian_width(c) in "WF" else 1)
        joined = c == JOINER and (joins or before == 2)
        joins = joined or before > 0 and unicodedata.combining(c) == VIRAMA
    return sum(columns)


def fit(text, columns, right=False):
    """The text filled up with spaces to so many columns."""
    space = " " * max(columns - width(text), 0)
    return space + text if right else text + space


def mark(right):
    """The sign behind an answer that is right, or behind one that is wrong."""
    return "✓" if right else "✗"


def shade(weight):
    """A weight in [0, 1] as one of five shades; anything above 1/16 is visible."""
    return SHADES[min(int(weight * 4 + 0.75), 4)] if weight > 1 / 16 else SHADES[0]


def attention_row(weights, columns=2):
    """One row of a map, (S,) weights, as blocks of so many columns."""
    return "".join(shade(w) * columns for w in weights)


def attention_map(weights, source, output, columns=None):
    """An attention map: the source across, the output down, dark where much weight lies.

    Args:
        weights: (T, S) for the T output and S source tokens given.
        source:  S tokens.
        output:  T tokens.
        columns: of the screen (default: those of the terminal). A wider map is cut into blocks, one below the
            other, each with some of the source tokens and all output tokens.
    """
    cell = max(2, 1 + max(map(width, source), default=0))
    margin = max(map(width, output), default=0)
    across = max(((columns or shutil.get_terminal_size().columns) - margin - 3) // cell, 1)
    blocks = []
    for k in range(0, max(len(source), 1), across):
        head = " " * (margin + 2) + "".join(fit(token, cell) for token in source[k : k + across]).rstrip()
        rows = zip(output, weights)
        rows = (f"{fit(token, margin)} │{attention_row(row[k : k + across], cell)}│" for token, row in rows)
        blocks.append("\n".join([head, *rows]))
    return "\n\n".join(blocks)


def bar(value, columns=20):
    """A share in [0, 1] as a bar, in eighths of a column."""
    eighths = round(min(max(value, 0), 1) * columns * 8)
    return "█" * (eighths // 8) + ("", *"▏▎▍▌▋▊▉")[eighths % 8]


def table(head, rows):
    """Rows of cells under their heads; every column as wide as its widest cell, the first one to the left."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    columns = [max(map(width, column)) for column in zip(*cells)]
    return "\n".join("  ".join(fit(c, w, right=k > 0) for k, (c, w) in enumerate(zip(row, columns))) for row in cells)


def attention_page(title, note, examples):
    """A self-contained page: for each example a map, and a slider over the output steps.

    Args:
        title, note: plain text.
        examples:    list of (source tokens, output tokens, weights (T, S)).
    Returns:
        HTML; needs no network and follows the browser's light or dark setting.
    """
    data = [
        {"source": source, "output": output, "weights": [[round(float(w), 3) for w in row] for row in weights]}
        for source, output, weights in examples
    ]
    parts = {"TITLE": html.escape(title), "NOTE": html.escape(note), "DATA": json.dumps(data).replace("<", "\\u003c")}
    return re.sub("|".join(parts), lambda found: parts[found[0]], _PAGE)


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>TITLE</title>
<style>
  :root { color-scheme: light dark; --ink: #1b1b1f; --paper: #fdfdfb; --mark: 32, 88, 200; --line: #8888; }
  @media (prefers-color-scheme: dark) { :root { --ink: #e8e8ea; --paper: #17181c; --mark: 120, 170, 255; } }
  body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 46rem;
         margin: 2rem auto; padding: 0 1rem; }
  section { border-top: 1px solid var(--line); padding: 1rem 0; }
  .row { display: flex; flex-wrap: wrap; gap: 3px; font: 16px ui-monospace, monospace; align-items: center; }
  .row b { width: 5rem; font: inherit; opacity: .7; }
  .row span { min-width: 1.4rem; padding: .15rem .3rem; text-align: center; border-radius: 4px; border: 1px solid transparent; }
  .row span.now { border-color: var(--ink); } .row span.later { opacity: .25; }
  table { border-collapse: collapse; font: 13px ui-monospace, monospace; margin-top: 1rem; }
  .scroll { overflow-x: auto; }
  td, th { width: 1.6rem; height: 1.6rem; text-align: center; padding: 0; font-weight: normal; border: 1px solid var(--paper); }
  tr.now td { border-top-color: var(--ink); border-bottom-color: var(--ink); }
  input { width: 100%; accent-color: rgb(var(--mark)); }
</style></head><body>
<h1>TITLE</h1><p>NOTE</p><main></main>
<script>
"use strict";
const tint = w => `rgba(var(--mark), ${w})`;
const add = (parent, tag, text = "", name = "") => {
  const e = parent.appendChild(document.createElement(tag)); e.textContent = text; e.className = name; return e;
};
for (const {source, output, weights} of DATA) {
  const box = add(document.querySelector("main"), "section");
  const rows = ["reads", "writes"].map((label, k) => {
    const row = add(box, "div", "", "row"); add(row, "b", label);
    return (k ? output : source).map(token => add(row, "span", token));
  });
  const slider = add(box, "input"); slider.type = "range"; slider.min = 0; slider.max = output.length - 1; slider.value = 0;
  slider.setAttribute("aria-label", "output step");
  const say = add(box, "div"); say.setAttribute("aria-live", "polite");
  const grid = add(add(box, "div", "", "scroll"), "table");
  const head = add(grid, "tr"); add(head, "th"); source.forEach(token => add(head, "th", token));
  const lines = weights.map((row, t) => {
    const line = add(grid, "tr"); add(line, "th", output[t]);
    row.forEach((w, s) => { const c = add(line, "td"); c.style.background = tint(w); c.title = `${output[t]} looks at ${source[s]}: ${w}`; });
    line.onclick = () => { slider.value = t; show(); };
    return line;
  });
  const show = () => {
    const t = +slider.value, most = weights[t].indexOf(Math.max(...weights[t]));
    rows[0].forEach((e, s) => { e.style.background = tint(weights[t][s]); });
    rows[1].forEach((e, k) => { e.className = k === t ? "now" : k > t ? "later" : ""; });
    lines.forEach((e, k) => { e.className = k === t ? "now" : ""; });
    say.textContent = `Step ${t + 1}: writes ${output[t]} and looks most at ${source[most]} (${Math.round(100 * weights[t][most])}% of the weight, place ${most + 1} of ${source.length}).`;
  };
  slider.oninput = show; show();
}
</script></body></html>
"""

# Exercises
# 1. Draw the map of a model before training, and after every 50 steps. When does the diagonal appear?
# 2. Draw the map of the additive score instead of the dot product. Is a sharper map a better model?
