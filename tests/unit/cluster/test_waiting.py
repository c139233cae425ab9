"""Waiting tiles come out as sorting all of them anew each time would have them."""

import random

from admf_ray.cluster.tiles import Tile
from admf_ray.cluster.waiting import Waiting


def test_the_longest_first_whatever_is_put_back_and_however_costs_change():
    drawn = random.Random(5)
    tiles = [Tile(job, 10 * k, 10 * k + 10) for job in range(4) for k in range(30)]
    rows = {tile: drawn.randrange(5) for tile in tiles}
    waiting, left, out = Waiting(tiles, rows.__getitem__), set(tiles), []
    for _ in range(400):
        row_s = [drawn.choice((0.5, 1.0, 2.0)) for _ in range(4)]
        expected = sum(0.2 + rows[tile] * row_s[tile.job] for tile in left)
        assert abs(waiting.seconds(0.2, row_s.__getitem__) - expected) < 1e-9
        assert (len(waiting), set(waiting)) == (len(left), left)
        if out and (not left or drawn.random() < 0.4):
            back = out.pop(drawn.randrange(len(out)))
            waiting.add(back)
            left.add(back)
        else:
            job = waiting.longest_job(row_s.__getitem__)
            taken = waiting.pop(job)
            assert taken == min(left, key=lambda tile: (-rows[tile] * row_s[tile.job], tile))
            left.remove(taken)
            out.append(taken)
    assert 0 < len(left) < len(tiles)


def test_all_of_a_job():
    waiting = Waiting([Tile(1, 0, 5), Tile(0, 0, 9), Tile(1, 5, 9)], lambda tile: tile.end - tile.begin)
    assert waiting.pop_job(1) == [Tile(1, 0, 5), Tile(1, 5, 9)]
    assert list(waiting) == [Tile(0, 0, 9)]
