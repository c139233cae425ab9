# Text of a compiled stack, part 2: the one loop over bars, for many points and windows.
# One symbol keeps its state in registers; several keep it in rows of `book`, `orders`, `memories`.


@njit(**KERNEL)
def trade(m, table, rows, p, begin, left, right, desk, single_ready, state, equities, nets):
    """Run the bars ``left:right`` of a window that begins at `begin`.

    Returns the state after them and fills ``equities[1:]`` and `nets`, one value per bar.
    """
    book, orders, memories, ready = desk
    account, position, order, memory, equity, busy, active = state
    n = 1 if SINGLE else book.shape[0]
    for t in range(left, right):
        # (a) the broker fills what was ordered before
        if CARRY and t > begin:
            shorts = 0.0
            for s in range(n):
                if not SINGLE:
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
                if not SINGLE:
                    position = load_position(book, s)
                    order = load_order(orders, s)
                bar = load_bar(m, t, s)
                account, position, order, _ = reduce_step(
                    t, s, bar, m, equity, account, position, order, p
                )
                if order.kind == OPENING:
                    opening += 1
                    need += opening_need(s, order, m, p)
                if not SINGLE:
                    store_position(book, s, position)
                    store_order(orders, s, order)
            if opening > 0:
                scale = 1.0
                if opening > 1:
                    free, worth = account.cash, account.cash
                    for s in range(n):
                        if not SINGLE:
                            position = load_position(book, s)
                        value = value_of(s, position, m)
                        free -= margin_held(value, p.portfolio)
                        worth += value
                    if need > free:
                        scale = max(free, 0.0) / need
                for s in range(n):
                    if not SINGLE:
                        order = load_order(orders, s)
                    if order.kind == OPENING:
                        free, worth = account.cash, account.cash
                        for k in range(n):
                            if not SINGLE:
                                position = load_position(book, k)
                            value = value_of(k, position, m)
                            free -= margin_held(value, p.portfolio)
                            worth += value
                        if not SINGLE:
                            position = load_position(book, s)
                        atr = distance(table, rows, t - 1, s)
                        account, position, order, _ = open_step(
                            t, s, scale, free, worth, m, equity, account, position, order, p, atr
                        )
                        if not SINGLE:
                            store_position(book, s, position)
                            store_order(orders, s, order)
            if PROTECTED:
                for s in range(n):
                    if GAPS and at(m.tradable, t, s) == 0:
                        continue
                    if not SINGLE:
                        position = load_position(book, s)
                        order = load_order(orders, s)
                    bar = load_bar(m, t, s)
                    atr = distance(table, rows, t, s)
                    account, position, order, _ = protect_step(
                        t, s, bar, m, equity, account, position, order, p, atr
                    )
                    if not SINGLE:
                        store_position(book, s, position)
                        store_order(orders, s, order)
        if CLOSES:
            for s in range(n):
                if at(m.close_out, t, s) == 0:
                    continue
                if not SINGLE:
                    position = load_position(book, s)
                    order = load_order(orders, s)
                bar = load_bar(m, t, s)
                account, position, order, _ = close_step(
                    t, s, bar, m, equity, account, position, order, p
                )
                if not SINGLE:
                    store_position(book, s, position)
                    store_order(orders, s, order)
        # (b) the portfolio marks at the close
        equity = account.cash
        required = 0.0
        holding = False
        for s in range(n):
            if not SINGLE:
                position = load_position(book, s)
            if not GAPS or at(m.tradable, t, s) != 0:
                position = mark_step(at(m.close, t, s), position)
                if not SINGLE:
                    store_position(book, s, position)
            value = value_of(s, position, m)
            equity += value
            required += required_margin(value, p.portfolio)
            holding = holding or position.qty != 0.0
        equities[t - left + 1] = equity
        nets[t - left] = equity - account.cash if holding else 0.0
        if holding:
            active += 1
        if account.halted != 0.0:
            continue
        # (c, d) the strategy decides, filters admit; (e) the risk manager proposes
        proposals = 0
        wanted = 0.0
        others = 0.0
        for s in range(n):
            if not SINGLE:
                position = load_position(book, s)
                order = load_order(orders, s)
            proposed = False
            can = t >= (single_ready if SINGLE else ready[s])
            if GAPS:
                can = can and at(m.tradable, t, s) != 0
            if CLOSES:
                can = can and at(m.close_out, t, s) != DELISTED
            if can:
                if not SINGLE:
                    memory = load_memory(memories, s)
                holds = held(t, position)
                weight, memory = decide(table, rows, t, s, holds, p, memory)
                weight, memory = admit(table, rows, t, s, weight, holds, p, memory)
                if not SINGLE:
                    store_memory(memories, s, memory)
                close = at(m.close, t, s)
                if wants_order(t, s, weight, equity, close, position, m, p, table, rows):
                    position, order = propose_step(
                        t, s, weight, equity, close, position, m, p, table, rows
                    )
                    wanted += abs(order.qty) * close * m.multiplier[s]
                    proposals += 1
                    proposed = True
                    if not SINGLE:
                        store_position(book, s, position)
                        store_order(orders, s, order)
            if not SINGLE and not proposed and position.qty + order.qty != 0.0:
                others += abs(position.qty + order.qty) * position.mark * m.multiplier[s]
        # (f) orders wait for the next bar
        if proposals > 0:
            scale = gross_scale(wanted, others, equity, p)
            for s in range(n):
                if not SINGLE:
                    position = load_position(book, s)
                    order = load_order(orders, s)
                if order.kind == PROPOSED:
                    order = settle_step(s, scale, equity, position, order, m, p)
                    if not SINGLE:
                        store_order(orders, s, order)
        account, reason = verdict(equity, required, account, p)
        if reason != 0.0:
            for s in range(n):
                if not SINGLE:
                    position = load_position(book, s)
                    order = load_order(orders, s)
                order = exit_order(position, reason)
                if reason == RUIN:
                    order = NO_ORDER
                    if position.qty != 0.0:  # closed at its mark, nothing more is charged
                        account, position, _ = apply_fill(
                            t, account, position, -position.qty, position.mark, 0.0, 0.0,
                            m.multiplier[s], equity,
                        )
                if not SINGLE:
                    store_position(book, s, position)
                    store_order(orders, s, order)
        busy = False
        for s in range(n):
            if not SINGLE:
                position = load_position(book, s)
                order = load_order(orders, s)
            busy = busy or order.kind != NONE
            if PROTECTED:
                busy = busy or position.qty != 0.0
    return account, position, order, memory, equity, busy, active


@njit(**KERNEL)
def run_window(m, table, rows, first, p, cuts, start_memory, b1, b2, desk, blocks, row, sums, path):
    """Run one point over the bars ``cuts[0]:cuts[-1]`` and write its metrics and slice sums."""
    book, orders, memories, ready = desk
    equities, nets, returns, exposures = blocks
    cash0 = p.portfolio.initial_cash
    memory = load_memory(start_memory, 0)
    if not SINGLE:
        for s in range(book.shape[0]):
            store_position(book, s, FLAT)
            store_order(orders, s, NO_ORDER)
            store_memory(memories, s, memory)
            ready[s] = ready_at(first, rows, s)
    single_ready = ready_at(first, rows, 0)
    state = new_account(cash0), FLAT, NO_ORDER, memory, cash0, False, 0
    moments = start(cash0)
    begin = cuts[0]
    for j in range(cuts.size - 1):
        for left in range(cuts[j], cuts[j + 1], BLOCK):
            right = min(left + BLOCK, cuts[j + 1])
            equities[0] = state[4]
            state = trade(m, table, rows, p, begin, left, right, desk, single_ready, state, equities, nets)
            count = right - left
            moments = measure(
                moments, equities[: count + 1], nets[:count], m.benchmark[left:right], returns, exposures
            )
            if TAIL:
                path[left - begin : right - begin] = returns[:count]
        sums[j, 0] = moments.s1
        sums[j, 1] = moments.s2
        moments = new_slice(moments)
    finish(
        moments, state[0], cuts[-1] - begin, state[6], cash0, state[4], b1, b2, m.bars_per_year, row
    )


@njit(cache=True, **KERNEL)
def sweep(
    m, table, first, ix, values, memory, cuts, offsets, b1, b2, begin, end, control, out, sums, path,
):
    """Run points ``begin:end`` over every window.

    Returns
    -------
    int
        The first point not done: `end`, or less when ``control[0]`` was set by somebody else.
    """
    n = m.share.size
    desk = (
        np.empty((n, 8)), np.empty((n, 8)), np.empty((n, memory.shape[1])), np.empty(n, np.int64)
    )
    blocks = np.empty(BLOCK + 1), np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    for i in range(begin, end):
        if control[0] != 0:
            return i
        control[1] = i
        p = read_params(values, i)
        rows = read_rows(ix, i)
        for w in range(offsets.size - 1):
            run_window(
                m, table, rows, first, p, cuts[offsets[w] : offsets[w + 1]], memory, b1[w], b2[w], desk,
                blocks, out[i, w], sums[i, w], path,
            )
            if TAIL:
                n_bars = cuts[offsets[w + 1] - 1] - cuts[offsets[w]]
                tail(path[:n_bars], out[i, w, len(out[i, w]) - 3 :])
    return end
