"""Market regimes: fitted on training bars, labelled by what was known at each close."""

from admf_ray.analysis.regimes.classifier import RegimeClassifier
from admf_ray.analysis.regimes.fitting import fit_regimes, min_train_bars
from admf_ray.analysis.regimes.hidden_markov import HiddenMarkov
from admf_ray.analysis.regimes.quality import RegimeQuality, refit_agreement, regime_quality
from admf_ray.analysis.regimes.trend_volatility import TrendVolatility

__all__ = [
    "HiddenMarkov",
    "RegimeClassifier",
    "RegimeQuality",
    "TrendVolatility",
    "fit_regimes",
    "min_train_bars",
    "refit_agreement",
    "regime_quality",
]
