"""The type checker that runs during tests: beartype, with whole numbers allowed where real ones are expected."""

from beartype import BeartypeConf, beartype

# PEP 484's numeric tower: `int` is acceptable where `float` is written, as type checkers agree.
check = beartype(conf=BeartypeConf(is_pep484_tower=True))
