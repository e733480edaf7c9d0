"""Timing on the GPU: contenders in turns, so that all meet the same clock rate; the median of the turns counts."""
import statistics

TURNS = 9
TURN_SECONDS = 0.012  # of one contender
MOST_CALLS = 400  # of one contender in a turn: fewer than a stream's queue holds
ROTATION = 3  # times the second-level cache that the buffers span


def sets_needed(bytes_per_call, cache_bytes):
    """How many sets of buffers calls must go round, so that none finds its own in the cache."""
    return max(1, -(-ROTATION * cache_bytes // bytes_per_call))


class Contender:
    """`calls`: one function for each set of buffers."""

    def __init__(self, name, calls):
        self.name, self.calls, self.next, self.seconds = name, calls, 0, []

    def run(self, count):
        for _ in range(count):
            self.calls[self.next]()
            self.next = (self.next + 1) % len(self.calls)


def time_calls(torch, contender, count):
    """Seconds of one call. The stream waits first, until all calls are enqueued: the host is not what is measured."""
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda._sleep(1_000_000 + 40_000 * count)
    begin.record()
    contender.run(count)
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) / 1e3 / count


def in_turns(torch, contenders):
    """Fills `seconds` of each contender, one entry a turn."""
    counts = []
    for contender in contenders:
        contender.run(len(contender.calls))
        torch.cuda.synchronize()
        once = time_calls(torch, contender, 3)
        counts.append(max(1, min(MOST_CALLS, round(TURN_SECONDS / once))))
    for turn in range(TURNS):
        order = range(len(contenders)) if turn % 2 == 0 else range(len(contenders) - 1, -1, -1)
        for i in order:
            contenders[i].seconds.append(time_calls(torch, contenders[i], counts[i]))


def speedup(ours, peer):
    """How many times as fast ours is: the median over the turns."""
    return statistics.median(p / o for o, p in zip(ours.seconds, peer.seconds))
