"""A small pipeline with all that validation needs."""

from __future__ import annotations

from admf_ray.config.load import load_pipeline
from admf_ray.market.saving import write_parquet

PIPELINE = """
pipeline:
  name: small
  phase_1_mining:
    data: "{folder}/train.parquet"
    walk_forward: {{training_window: 400, test_window: 200, step_size: 200}}
    parameter_search:
      base_grid:
        strategies:
          ma_crossover:
            parameters: {{fast: [2, 4], slow: [8, 14, 20], side: both}}
      neighborhood_testing: {{radius: 1}}
    container_components:
      - {{name: data_handler, class: HistoricalDataHandler}}
      - {{name: strategy, class: configurable}}
      - {{name: broker, class: SimulatedBroker, params: {{commission_frac: 0.0001, slippage_frac: 0.0001}}}}
  phase_3_test:
    data: "{folder}/test.parquet"
    validation: {{drift_containers: 4}}
    test_strategies:
{strategies}
"""
ALL = """
      - {name: baseline_adaptive}
      - {name: enhanced_with_filters, add_components: [{name: f, class: CounterTrendFilter}]}
      - {name: plain, strategy: ma_crossover, params: {fast: 2, slow: 14, side: both}}
"""
PLAIN = """
      - {name: plain, strategy: ma_crossover, params: {fast: 2, slow: 14, side: both}}
"""


def small(folder, bars, n_train, strategies=ALL, overrides=()):
    """Write a market's two parts and return the configuration."""
    write_parquet(bars.slice(0, n_train), folder / "train.parquet")
    write_parquet(bars.slice(n_train, bars.n_bars), folder / "test.parquet")
    (folder / "p.yaml").write_text(PIPELINE.format(folder=folder, strategies=strategies))
    return load_pipeline(folder / "p.yaml", overrides)
