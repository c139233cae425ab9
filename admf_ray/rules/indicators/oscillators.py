"""Oscillators: relative strength, MACD, rate of change, momentum."""

from __future__ import annotations

from admf_ray.rules.compile import kernel
from admf_ray.rules.indicators.moving import ema, ema_from
from admf_ray.rules.indicators.valid import FloatArray, blank, first_valid

__all__ = ["macd", "macd_hist", "macd_signal", "momentum", "roc", "rsi"]


@kernel
def rsi(values: FloatArray, length_bars: int) -> FloatArray:
    """Measure Wilder's relative strength index.

    Parameters
    ----------
    values : array (n_bars,) of float64
    length_bars : int

    Returns
    -------
    array (n_bars,) of float64
        100 × mean gain / (mean gain + mean loss), from 0 to 100.

    Notes
    -----
    NaN for `length_bars` bars from the first finite value on (one more than a mean: it needs
    changes); a later NaN stays for ever; all NaN for a length below 1 or with too few bars.
    As TA-Lib RSI, but 50 where nothing has moved yet: neither oversold nor overbought. TA-Lib says 0
    there, which is oversold, and also where gain and loss together are below 1e-14; here only where
    they are 0, so the scale of prices does not matter.

    Source: Wilder (1978), New Concepts in Technical Trading Systems.
    """
    out = blank(values.size)
    start = first_valid(values)
    if length_bars < 1 or length_bars >= values.size - start:
        return out
    gain = 0.0
    loss = 0.0
    for t in range(start + 1, values.size):
        change = values[t] - values[t - 1]
        up = 0.0 if change < 0.0 else change
        down = -change if change < 0.0 else 0.0
        if t <= start + length_bars:
            gain += up / length_bars
            loss += down / length_bars
        else:
            gain = (gain * (length_bars - 1) + up) / length_bars
            loss = (loss * (length_bars - 1) + down) / length_bars
        if t >= start + length_bars:
            both = gain + loss
            out[t] = 100.0 * (gain / both) if both != 0.0 else 50.0
    return out


@kernel
def macd(values: FloatArray, fast_bars: int, slow_bars: int) -> FloatArray:
    """Subtract a slow exponential mean from a fast one.

    Parameters
    ----------
    values : array (n_bars,) of float64
    fast_bars, slow_bars : int
        Lengths of the two means.

    Returns
    -------
    array (n_bars,) of float64
        In the unit of `values`.

    Notes
    -----
    NaN for max(`fast_bars`, `slow_bars`) - 1 bars from the first finite value on; a later NaN stays
    for ever; all NaN for a length below 1 or longer than the data. As in TA-Lib MACD both means
    start at the same bar: the fast one is seeded by the last `fast_bars` values before it, so it
    differs from `ema` until the seeds are forgotten. TA-Lib hides the line until its signal has a
    value, and swaps the lengths where fast > slow; neither happens here (the sign turns instead).

    Source: Appel (1979), The Moving Average Convergence-Divergence Trading Method.
    """
    if fast_bars < 1 or slow_bars < 1:
        return blank(values.size)
    end = first_valid(values) + max(fast_bars, slow_bars)
    out = ema_from(values, end - fast_bars, fast_bars)
    slow = ema_from(values, end - slow_bars, slow_bars)
    for t in range(values.size):
        out[t] -= slow[t]
    return out


@kernel
def macd_signal(values: FloatArray, fast_bars: int, slow_bars: int, signal_bars: int) -> FloatArray:
    """Average the MACD line exponentially.

    Parameters
    ----------
    values : array (n_bars,) of float64
    fast_bars, slow_bars, signal_bars : int

    Returns
    -------
    array (n_bars,) of float64
        In the unit of `values`.

    Notes
    -----
    `ema` of `macd`: NaN for max(`fast_bars`, `slow_bars`) + `signal_bars` - 2 bars. As TA-Lib MACD.

    Source: Appel (1979).
    """
    return ema(macd(values, fast_bars, slow_bars), signal_bars)


@kernel
def macd_hist(values: FloatArray, fast_bars: int, slow_bars: int, signal_bars: int) -> FloatArray:
    """Subtract the signal from the MACD line.

    Parameters
    ----------
    values : array (n_bars,) of float64
    fast_bars, slow_bars, signal_bars : int

    Returns
    -------
    array (n_bars,) of float64
        In the unit of `values`.

    Notes
    -----
    NaN as `macd_signal`. As TA-Lib MACD.

    Source: Aspray (1986), who added the histogram to Appel's lines.
    """
    out = macd(values, fast_bars, slow_bars)
    signal = ema(out, signal_bars)
    for t in range(values.size):
        out[t] -= signal[t]
    return out


@kernel
def roc(values: FloatArray, length_bars: int) -> FloatArray:
    """Measure the relative change over `length_bars` bars.

    Parameters
    ----------
    values : array (n_bars,) of float64
    length_bars : int

    Returns
    -------
    array (n_bars,) of float64
        A fraction: 0.01 is one percent.

    Notes
    -----
    NaN for `length_bars` bars from the first finite value on; a later NaN makes NaN of the two bars
    that use it; all NaN for a length below 1 or with too few bars. As TA-Lib ROCP (its ROC is in
    percent), with 0 where the earlier value is 0.

    Source: common usage; Kaufman (2013), Trading Systems and Methods.
    """
    out = blank(values.size)
    if length_bars < 1:
        return out
    for t in range(first_valid(values) + length_bars, values.size):
        before = values[t - length_bars]
        out[t] = (values[t] - before) / before if before != 0.0 else 0.0
    return out


@kernel
def momentum(values: FloatArray, length_bars: int) -> FloatArray:
    """Measure the change over `length_bars` bars.

    Parameters
    ----------
    values : array (n_bars,) of float64
    length_bars : int

    Returns
    -------
    array (n_bars,) of float64
        In the unit of `values`.

    Notes
    -----
    NaN policy and warm-up as `roc`. As TA-Lib MOM.

    Source: common usage; Kaufman (2013), Trading Systems and Methods.
    """
    out = blank(values.size)
    if length_bars < 1:
        return out
    for t in range(first_valid(values) + length_bars, values.size):
        out[t] = values[t] - values[t - length_bars]
    return out
