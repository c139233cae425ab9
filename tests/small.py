"""The text of a pipeline of eight points on real data, as a user writes it."""

PIPELINE = """
pipeline:
  name: small
  phase_1_mining:
    data: {source: "sample:nasdaq", start: 2016, end: 2017}
    walk_forward: {training_window: 252, test_window: 63, step_size: 63}
    parameter_search:
      base_grid:
        strategies:
          ma_crossover:
            parameters: {fast: [3, 6], slow: {start: 8, stop: 20, step: 4}}
      neighborhood_testing: {radius: 1}
"""
