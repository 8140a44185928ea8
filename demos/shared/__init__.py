"""What programs share: options, files, the terminal, one training with checkpoints, and the report."""

# ruff: noqa: F401
from .files import check_files, refuse
from .options import add_common_options, add_flag, add_model_options, add_option, add_string_options, choices
from .options import parser, settle_options, with_and_without_attention
from .program import Progress, Stop, finish, run, say, talk
from .report import NO_MAP, TRAINING, Claim, Result, bars, by_group, claims_table, conclude, example_map
from .report import examples, figure_table, figures, fill, judge, long_examples, longest, percent, shares
from .report import short_to_long, summary
from .strings import judge_strings, spell, string_claims
from .training import BATCH, Best, Run, fit, fit_each, held_out_stream, random_streams
