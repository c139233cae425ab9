# Text of a compiled stack, part 2a: the loop over bars for one symbol; all state stays in registers.


@njit(**INNER)
def trade_one(m, table, rows, p, begin, left, right, ready, state, blocks):
    """Run the bars ``left:right`` of a window that begins at `begin`; the steps of `trade_many`.

    Returns the state after the bars and the number of entries written to the blocks: one for each bar
    that ends with a position or moved the equity. The inner loop runs while nothing waits.
    """
    equities, nets, places = blocks
    account, position, order, memory, equity = state
    equities[0] = equity
    k = 0
    if account.halted != 0.0:
        ready = right
    t = left
    while t < right:
        tradable = not GAPS or at(m.tradable, t, 0) != 0
        # (a) the broker fills what was ordered before
        if CARRY and t > begin and account.halted != RUIN:
            shorts = max(-value_of(0, position, m), 0.0)
            days = m.day[t] - m.day[t - 1]
            account = charge(account, financing(account.cash, shorts, days, p.broker))
        if tradable and (order.kind != NONE or (PROTECTED and position.qty != 0.0)):
            bar = load_bar(m, t, 0)
            account, position, order, _ = reduce_step(t, 0, bar, m, equity, account, position, order, p)
            if order.kind == OPENING:
                value = value_of(0, position, m)
                free = account.cash - margin_held(value, p.portfolio)
                atr = distance(table, rows, t - 1, 0)
                account, position, order, _ = open_step(
                    t, 0, 1.0, free, account.cash + value, m, equity, account, position, order, p, atr
                )
            if PROTECTED:
                atr = distance(table, rows, t, 0)
                account, position, order, _ = protect_step(
                    t, 0, bar, m, equity, account, position, order, p, atr
                )
        if CLOSES and at(m.close_out, t, 0) != 0:
            bar = load_bar(m, t, 0)
            account, position, order, _ = close_step(t, 0, bar, m, equity, account, position, order, p)
        multiplier = m.multiplier[0]
        cash = account.cash
        qty = position.qty
        previous = equity
        peak = account.peak
        while True:
            # (b) the portfolio marks at the close
            close = at(m.close, t, 0) if tradable else position.mark
            value = qty * close * multiplier if qty != 0.0 else 0.0
            equity = cash + value
            required = required_margin(value, p.portfolio)
            if equity != cash or equity != previous:
                equities[np.uint64(k + 1)] = equity
                nets[np.uint64(k)] = equity - cash
                places[np.uint64(k)] = t
                k += 1
            previous = equity
            alarm = equity <= required
            if HALTS:
                peak = max(peak, equity)
                alarm = alarm or sinks(equity, peak, p)
            # (c, d) the strategy decides, filters admit
            wants = False
            weight = position.weight
            if t >= ready and tradable and not (CLOSES and at(m.close_out, t, 0) == DELISTED):
                if BAND:
                    position = mark_step(close, position)
                holds = held(t, position)
                weight, memory = decide(table, rows, t, 0, holds, p, memory)
                weight, memory = admit(table, rows, t, 0, weight, holds, p, memory)
                wants = wants_order(t, 0, weight, equity, close, position, m, p, table, rows)
            if wants or alarm:
                break
            if EVERY or order.kind != NONE or (PROTECTED and qty != 0.0) or t + 1 == right:
                break
            t += 1
        position = mark_step(close, position)
        # (e) the risk manager proposes; (f) the order waits for the next bar
        if wants:
            position, order = propose_step(t, 0, weight, equity, close, position, m, p, table, rows)
            scale = 1.0
            if GROSS:
                scale = gross_scale(abs(order.qty) * close * multiplier, 0.0, equity, p)
            order = settle_step(0, scale, equity, position, order, m, p)
        if HALTS:
            account = watch(account, peak, account.halted)
        if alarm and account.halted != RUIN:
            account, reason = verdict(equity, required, account, p)
            if reason != 0.0:
                order = exit_order(position, reason)
                if reason == RUIN:
                    account, position = settle_ruin(t, 0, m, equity, account, position)
                    order = NO_ORDER
            if account.halted != 0.0:
                ready = right
        t += 1
    return (account, position, order, memory, equity), k
