"""What programs share: options, files, the terminal, one training with checkpoints, and the report."""

# ruff: noqa: F401
from .files import check_files
from .options import add_common_options, add_string_options, parser, settle_options, with_and_without_attention
from .program import Progress, Stop, finish, prompts, run, say
from .report import (
    Claim,
    Result,
    as_json,
    attention_page,
    bars,
    by_group,
    claims_table,
    example_map,
    examples,
    figures,
    judge,
    longest,
    percent,
    shares,
    short_to_long,
    summary,
    tokens,
)
from .strings import string_figures, talk
from .training import BATCH, Best, Run, fit, fit_each, held_out_stream, random_streams
