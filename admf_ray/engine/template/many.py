# Text of a compiled stack, part 2b: the loop over bars for several symbols of one account.


@njit(**INNER)
def trade_many(m, table, rows, p, begin, left, right, desk, state, blocks):
    """Run the bars ``left:right`` of a window that begins at `begin`; several symbols, one account.

    Positions, orders and memories stand in the desk. Returns the state after the bars and the number of
    entries written to the blocks: one for each bar that ends with a position or moved the equity.
    """
    book, orders, memories, ready = desk
    equities, nets, places = blocks
    account, equity, busy = state
    equities[0] = equity
    k = 0
    n = book.shape[0]
    for t in range(left, right):
        # (a) the broker fills what was ordered before
        if CARRY and t > begin and account.halted != RUIN:
            shorts = 0.0
            for s in range(n):
                position = load_position(book, s)
                shorts += max(-value_of(s, position, m), 0.0)
            days = m.day[t] - m.day[t - 1]
            account = charge(account, financing(account.cash, shorts, days, p.broker))
        if busy:
            opening = 0
            need = 0.0
            for s in range(n):
                if GAPS and at(m.tradable, t, s) == 0:
                    continue
                position = load_position(book, s)
                order = load_order(orders, s)
                bar = load_bar(m, t, s)
                account, position, order, _ = reduce_step(t, s, bar, m, equity, account, position, order, p)
                if order.kind == OPENING:
                    opening += 1
                    need += opening_need(s, order, m, p)
                store_position(book, s, position)
                store_order(orders, s, order)
            if opening > 0:
                scale = 1.0
                if opening > 1:
                    free, worth = account.cash, account.cash
                    for s in range(n):
                        position = load_position(book, s)
                        value = value_of(s, position, m)
                        free -= margin_held(value, p.portfolio)
                        worth += value
                    if need > free:
                        scale = max(free, 0.0) / need
                for s in range(n):
                    order = load_order(orders, s)
                    if order.kind == OPENING:
                        free, worth = account.cash, account.cash
                        for other in range(n):
                            position = load_position(book, other)
                            value = value_of(other, position, m)
                            free -= margin_held(value, p.portfolio)
                            worth += value
                        position = load_position(book, s)
                        atr = distance(table, rows, t - 1, s)
                        account, position, order, _ = open_step(
                            t, s, scale, free, worth, m, equity, account, position, order, p, atr
                        )
                        store_position(book, s, position)
                        store_order(orders, s, order)
            if PROTECTED:
                for s in range(n):
                    if GAPS and at(m.tradable, t, s) == 0:
                        continue
                    position = load_position(book, s)
                    order = load_order(orders, s)
                    bar = load_bar(m, t, s)
                    atr = distance(table, rows, t, s)
                    account, position, order, _ = protect_step(
                        t, s, bar, m, equity, account, position, order, p, atr
                    )
                    store_position(book, s, position)
                    store_order(orders, s, order)
        if CLOSES:
            for s in range(n):
                if at(m.close_out, t, s) == 0:
                    continue
                position = load_position(book, s)
                order = load_order(orders, s)
                bar = load_bar(m, t, s)
                account, position, order, _ = close_step(t, s, bar, m, equity, account, position, order, p)
                store_position(book, s, position)
                store_order(orders, s, order)
        # (b) the portfolio marks at the close
        previous = equity
        equity = account.cash
        required = 0.0
        for s in range(n):
            position = load_position(book, s)
            if not GAPS or at(m.tradable, t, s) != 0:
                position = mark_step(at(m.close, t, s), position)
                store_position(book, s, position)
            value = value_of(s, position, m)
            equity += value
            required += required_margin(value, p.portfolio)
        if equity != account.cash or equity != previous:
            equities[k + 1] = equity
            nets[k] = equity - account.cash
            places[k] = t
            k += 1
        if account.halted == RUIN or (account.halted != 0.0 and equity > 0.0):
            continue
        # (c, d) the strategy decides, filters admit; (e) the risk manager proposes
        proposals = 0
        wanted = 0.0
        others = 0.0
        for s in range(n):
            position = load_position(book, s)
            order = load_order(orders, s)
            proposed = False
            can = t >= ready[s] and account.halted == 0.0
            if GAPS:
                can = can and at(m.tradable, t, s) != 0
            if CLOSES:
                can = can and at(m.close_out, t, s) != DELISTED
            if can:
                memory = load_memory(memories, s)
                holds = held(t, position)
                weight, memory = decide(table, rows, t, s, holds, p, memory)
                weight, memory = admit(table, rows, t, s, weight, holds, p, memory)
                store_memory(memories, s, memory)
                close = at(m.close, t, s)
                if wants_order(t, s, weight, equity, close, position, m, p, table, rows):
                    position, order = propose_step(t, s, weight, equity, close, position, m, p, table, rows)
                    wanted += abs(order.qty) * close * m.multiplier[s]
                    proposals += 1
                    proposed = True
                    store_position(book, s, position)
                    store_order(orders, s, order)
            if not proposed and position.qty + order.qty != 0.0:
                others += abs(position.qty + order.qty) * position.mark * m.multiplier[s]
        # (f) orders wait for the next bar
        if proposals > 0:
            scale = gross_scale(wanted, others, equity, p)
            for s in range(n):
                position = load_position(book, s)
                order = load_order(orders, s)
                if order.kind == PROPOSED:
                    order = settle_step(s, scale, equity, position, order, m, p)
                    store_order(orders, s, order)
        account, reason = verdict(equity, required, account, p)
        if reason != 0.0:
            for s in range(n):
                position = load_position(book, s)
                order = load_order(orders, s)
                order = exit_order(position, reason)
                if reason == RUIN:
                    account, position = settle_ruin(t, s, m, equity, account, position)
                    order = NO_ORDER
                store_position(book, s, position)
                store_order(orders, s, order)
        busy = False
        for s in range(n):
            position = load_position(book, s)
            order = load_order(orders, s)
            busy = busy or order.kind != NONE
            if PROTECTED:
                busy = busy or position.qty != 0.0
    return (account, equity, busy), k
