"""What is done with a pipeline: single backtests, mining, analysis, validation.

- Phase 1, `mining`: what is searched (`search`, `proposing`), probed for look-ahead (`probing`) and run
  (`running`, `progress`), what was found (`mined`), the `walk` forward, and what is `written`.
- Phase 2, `analysis`, and phase 3, `validation`: folders of their own.
- All of them: `pipeline`; before a run `planning`; afterwards `opened`, `verify`, `signal`.
- What no run may forget: `manifest`, `trials`, `looked`.
- One point, once: `backtest`; one container alone: `isolated`.
"""
