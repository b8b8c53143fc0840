"""What scripts/bench does: starts servers, sends load, tells what a request cost. Standard library only, Linux only.

`bench` is one run; `sections` has a module for each kind of measurement, which measures and says how its figures read;
`document` puts those into docs/performance.md. Figures are kept as they were measured, round by round.
"""
