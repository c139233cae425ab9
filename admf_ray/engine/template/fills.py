# Text of a compiled stack, part 1a: what the broker does with one symbol in one bar, (a).
# Never imported. engine/stack.py writes it to a file of its own for each component stack and binds
# the free names: the stack's rules, its generated readers and the flags below. A flag is frozen into
# the code, so a stack pays only for what it uses.
#   SINGLE one symbol; GAPS symbols may miss bars; CLOSES forced exits at a close; PROTECTED brackets;
#   GROSS one symbol can exceed the gross limit; EVERY every bar needs all steps; RESIZE size at the
#   fill; BAND re-size on drift; HALTS drawdown halt; CARRY financing; RANGED slippage by range;
#   TAIL keep returns


@rule
def at(column, t, s):
    """Value of a column; unsigned, because an index that may be negative costs a branch."""
    if SINGLE:
        return column[np.uint64(t)]
    return column[np.uint64(t), np.uint64(s)]


@rule
def cell(table, row, t, s):
    """Return a prepared value of a row of the table."""
    if SINGLE:
        return table[np.uint64(row), np.uint64(t)]
    return table[np.uint64(row), np.uint64(t), np.uint64(s)]


@rule
def load_bar(m, t, s):
    """Read symbol `s`'s prices at bar `t`."""
    return Bar(at(m.open, t, s), at(m.high, t, s), at(m.low, t, s), at(m.close, t, s))


@rule
def execute(t, s, qty, raw, price, reason, cut, m, equity, account, position, p):
    """Book `qty` units at `price`; `raw` is the price before costs."""
    multiplier = m.multiplier[s]
    fee = commission(qty, price, multiplier, p.broker)
    slipped = abs(price - raw) * abs(qty) * multiplier
    account, position, pnl = apply_fill(t, account, position, qty, price, fee, slipped, multiplier, equity)
    return account, position, Fill(qty, price, fee, slipped, reason, cut, pnl)


@rule
def last_range(m, t, s):
    """High less low of the bar before `t`."""
    if not RANGED or t == 0:  # far memory: not touched for nothing
        return 0.0
    width = at(m.high, t - 1, s) - at(m.low, t - 1, s)
    return width if width == width else 0.0


@rule
def reduce_step(t, s, bar, m, equity, account, position, order, p):
    """Protective exit, or closing part of a waiting order that the bar reaches; the rest is OPENING."""
    fill = NO_FILL
    if order.kind == NONE:
        return account, position, order, fill
    hit, raw, intrabar, order = trigger(order, bar, m.day[t])
    if not hit:
        return account, position, order, fill
    if intrabar and position.qty != 0.0:
        fired, level, reason = protective(bar, position.qty, position.stop, position.take, False)
        if fired:
            account, position, fill = leave(t, s, level, reason, m, equity, account, position, p)
            return account, position, NO_ORDER, fill
    side = 1.0 if order.qty > 0.0 else -1.0
    price = raw
    if order.kind != LIMIT:
        price = worsen(side, raw, m.tick[s], last_range(m, t, s), p.broker)
    closing = 0.0
    if position.qty * order.qty < 0.0:
        closing = side * min(abs(position.qty), abs(order.qty))
        account, position, fill = execute(
            t, s, closing, raw, price, order.reason, 0.0, m, equity, account, position, p
        )
    rest = order.qty - closing
    if rest == 0.0:
        return account, position, NO_ORDER, fill
    late = 1.0 if intrabar else 0.0
    opening = Order(OPENING, rest, price, raw, order.reason, order.day, order.target, late)
    return account, position, opening, fill


@rule
def leave(t, s, level, reason, m, equity, account, position, p):
    """Close the whole position at a protective level; stops slip, take-profits are limits."""
    side = -1.0 if position.qty > 0.0 else 1.0
    price = level
    if reason == STOP_LOSS:
        price = worsen(side, level, m.tick[s], last_range(m, t, s), p.broker)
    return execute(t, s, -position.qty, level, price, reason, 0.0, m, equity, account, position, p)


@rule
def symbol_lot(m, s, p):
    """Smallest tradable quantity: the instrument's lot, whole units where the risk manager says so."""
    return max(m.lot[s], p.risk.lots)


@rule
def opening_need(s, order, m, p):
    """Cash an OPENING order asks for: what it binds plus commission."""
    units = abs(order.qty)
    margin = p.portfolio.long_initial_margin if order.qty > 0.0 else p.portfolio.short_initial_margin
    return units * order.price * m.multiplier[s] * margin + commission(
        units, order.price, m.multiplier[s], p.broker
    )


@rule
def guarded(position, stop, take):
    """Put protective prices around a position."""
    return Position(
        position.qty,
        position.average,
        position.mark,
        position.weight,
        position.pnl,
        position.opened,
        stop,
        take,
    )


@rule
def wanting(position, weight):
    """Note the weight that was admitted last."""
    return Position(
        position.qty,
        position.average,
        position.mark,
        weight,
        position.pnl,
        position.opened,
        position.stop,
        position.take,
    )


@rule
def open_step(t, s, scale, free, worth, m, equity, account, position, order, p, atr):
    """Execute an OPENING order as far as cash allows and set its bracket."""
    side = 1.0 if order.qty > 0.0 else -1.0
    lot = symbol_lot(m, s, p)
    multiplier = m.multiplier[s]
    wanted = abs(order.qty)
    if RESIZE:
        budget = abs(order.target) * worth - abs(position.qty) * order.price * multiplier
        wanted = affordable(1e300, order.price, multiplier, lot, max(budget, 0.0), 1.0, p.broker)
    allowed = wanted if scale >= 1.0 else abs(to_lot(wanted * scale, lot))
    margin = p.portfolio.long_initial_margin if side > 0.0 else p.portfolio.short_initial_margin
    units = affordable(allowed, order.price, multiplier, lot, free, margin, p.broker)
    if order.price <= 0.0:  # slippage ate the whole price: nobody sells for nothing
        units = 0.0
    fill = Fill(0.0, order.price, 0.0, 0.0, order.reason, wanted - units, nan)
    if units > 0.0:
        account, position, fill = execute(
            t,
            s,
            side * units,
            order.raw,
            order.price,
            order.reason,
            wanted - units,
            m,
            equity,
            account,
            position,
            p,
        )
        trailed = position.stop
        stop, take = levels(side, position.average, atr, p.risk)
        stop = unmoved(side, trailed, stop, p.risk)
        position = guarded(position, stop, take)
    late = order.intrabar
    return account, position, Order(NONE, 0.0, nan, nan, SIGNAL, -1.0, 0.0, late), fill


@rule
def protect_step(t, s, bar, m, equity, account, position, order, p, atr):
    """Test the bracket against the bar, then trail the stop; ends the bar for the order slot."""
    fill = NO_FILL
    late = order.kind == NONE and order.intrabar == 1.0
    if position.qty != 0.0:
        fired, level, reason = protective(bar, position.qty, position.stop, position.take, late)
        if fired:
            account, position, fill = leave(t, s, level, reason, m, equity, account, position, p)
            return account, position, NO_ORDER, fill
        if not late:
            stop = ratchet(bar, position.qty, position.stop, atr, p.risk)
            position = guarded(position, stop, position.take)
    if order.kind == NONE:
        order = NO_ORDER
    return account, position, order, fill


@rule
def close_step(t, s, bar, m, equity, account, position, order, p):
    """Exit at this bar's close where the session ends, the symbol does or the account is wound up."""
    fill = NO_FILL
    code = float(at(m.close_out, t, s))
    if code == 0.0 or (code == SESSION_END and p.risk.flat_at_session_end == 0.0):
        return account, position, order, fill
    if position.qty != 0.0:
        price = bar.close
        if code != DELISTED:
            side = -1.0 if position.qty > 0.0 else 1.0
            price = worsen(side, bar.close, m.tick[s], last_range(m, t, s), p.broker)
        account, position, fill = execute(
            t, s, -position.qty, bar.close, price, code, 0.0, m, equity, account, position, p
        )
    position = wanting(position, 0.0)
    return account, position, NO_ORDER, fill
