# Text of a compiled stack, part 1b: what follows at the bar's close, (b) to (f): marks, orders, verdicts.

DUST = 1e-12  # share of a position below which a difference is rounding and not worth an order


@rule
def mark_step(close, position):
    """Value the position at the bar's close."""
    return Position(
        position.qty,
        position.average,
        close,
        position.weight,
        position.pnl,
        position.opened,
        position.stop,
        position.take,
    )


@rule
def value_of(s, position, m):
    """Signed money value at the last known close; 0 when flat."""
    return position.qty * position.mark * m.multiplier[s] if position.qty != 0.0 else 0.0


@rule
def target_units(t, s, weight, equity, price, m, p, table, rows):
    """Units wanted for a weight within the symbol's exposure limit, before lots and gross limit."""
    multiplier = m.multiplier[s]
    wanted = units(
        weight, m.share[s], equity, price, multiplier, p.risk, risk_now(table, rows, t, s), m.bars_per_year
    )
    if abs(wanted) * price * multiplier > p.risk.max_symbol_exposure * equity * (1.0 + 1e-12):
        limit = p.risk.max_symbol_exposure * equity / (price * multiplier)
        return limit if wanted > 0.0 else -limit
    return wanted


@rule
def wants_order(t, s, weight, equity, close, position, m, p, table, rows):
    """Whether the admitted weight changed, or the position drifted beyond the band."""
    if weight != position.weight:
        return True
    if BAND:
        if position.qty != 0.0 and p.risk.rebalance_band_frac > 0.0:
            wanted = target_units(t, s, weight, equity, close, m, p, table, rows)
            drift = abs(wanted - position.qty) * close * m.multiplier[s]
            return drift > p.risk.rebalance_band_frac * equity
    return False


@rule
def admitted(weight, position):
    """Weight within -1..1; NaN is no opinion and keeps the last one."""
    return min(max(weight, -1.0), 1.0) if weight == weight else position.weight


@rule
def propose_step(t, s, weight, equity, close, position, m, p, table, rows):
    """Record the admitted weight and propose its quantity."""
    wanted = target_units(t, s, weight, equity, close, m, p, table, rows)
    return wanting(position, weight), Order(PROPOSED, wanted, close, nan, SIGNAL, -1.0, 0.0, 0.0)


@rule
def settle_step(s, scale, equity, position, order, m, p):
    """Turn a proposal into an order for the difference to what is held."""
    wanted = to_lot(order.qty * scale, symbol_lot(m, s, p))
    qty = wanted - position.qty
    if abs(qty) <= DUST * max(abs(wanted), abs(position.qty)):
        return NO_ORDER
    target = wanted
    if RESIZE and wanted != 0.0:
        # the share asked for, not the lots it makes here: rounding belongs to the fill's price
        target = order.qty * scale * order.price * m.multiplier[s] / equity
    return make_order(qty, order.price, m.tick[s], target, p.broker)


@rule
def exit_order(position, reason):
    """Market order that closes the position; replaces whatever waits."""
    if position.qty == 0.0:
        return NO_ORDER
    return Order(MARKET, -position.qty, nan, nan, reason, -1.0, 0.0, 0.0)


@rule
def gross_scale(wanted, others, equity, p):
    """Return the common factor that keeps what is ordered and held within the gross limit."""
    room = max(p.risk.max_gross_exposure * equity - others, 0.0)
    return room / wanted if wanted > room * (1.0 + 1e-12) else 1.0


@rule
def settle_ruin(t, s, m, equity, account, position):
    """Close a ruined account's position at its mark; nothing more is charged."""
    if position.qty != 0.0:
        account, position, _ = apply_fill(
            t, account, position, -position.qty, position.mark, 0.0, 0.0, m.multiplier[s], equity
        )
    return account, position


@rule
def sinks(equity, peak, p):
    """Whether the drawdown from the peak halts the account."""
    return p.risk.max_drawdown_frac > 0.0 and equity <= peak * (1.0 - p.risk.max_drawdown_frac)


@rule
def verdict(equity, required, account, p):
    """(account, reason) after marking: ruin, margin call or drawdown halt; 0 to go on."""
    if equity <= 0.0:
        return watch(account, account.peak, RUIN), RUIN
    if HALTS:
        if account.halted != 0.0:
            return account, 0.0
        peak = max(account.peak, equity)
        if sinks(equity, peak, p):
            return watch(account, peak, HALT), HALT
        account = watch(account, peak, account.halted)
    if equity <= required:
        return account, MARGIN
    return account, 0.0
