"""Two drivers of one set of rules: the event-by-event replay and the compiled sweep.

- What both run: a `stack` of components, made into machine code (`generate`, `template`) and given `inputs`
  (with `plan` and `fitting` for prepared values).
- Replay: `replay` drives the bar `protocol` on its `books`; every step is an event (`events`, `bus`,
  `event_log`). `assembly` does it in a `container`, `plain` asks strategies in Python, `checkpoints` keep
  long ones; `outcome` and `trades` are what it leaves.
- Sweep: `sweep` and its `loop`; `paths` for per-bar returns.
- Many points under common `conditions`: `points`, each on its own, written on a `board`; `guard` watches
  them in a `child` process; `failures` says what went wrong.
- No look-ahead: `causality` and its `probes`.
"""
