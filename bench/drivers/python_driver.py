"""The process in which CPython's sides run: the protocol and the scenarios of main.mjs.

    serve KIND | once KIND SCENARIO PARAMS        with KIND fork, spawn or executor
"""

import collections
import itertools
import json
import multiprocessing
import os
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor

MODULUS = 9_973
MB = 2**20


# The work.


def square(x):
    return x * x


def echo(value):
    return value


def busy(ms):
    end = time.perf_counter() + ms / 1000
    while time.perf_counter() < end:
        pass
    return ms


def count_primes(bounds):
    count = 0
    for n in range(*bounds):
        prime = n >= 2 and (n == 2 or n % 2 == 1)
        d = 3
        while prime and d * d <= n:
            prime = n % d != 0
            d += 2
        count += prime
    return count


# The sides. `submit` gives something whose `get()` waits for the result.


class PoolSide:
    def __init__(self, kind, workers):
        self.pool = multiprocessing.get_context(kind).Pool(workers)

    def submit(self, function, argument):
        return self.pool.apply_async(function, (argument,))

    def run(self, function, argument):
        return self.pool.apply(function, (argument,))

    def map(self, function, items):
        return self.pool.map(function, items)

    def imap(self, function, items):
        return self.pool.imap(function, items)

    endless = imap

    def close(self):
        self.pool.terminate()
        self.pool.join()


class ExecutorSide:
    map = None
    endless = None  # Executor.map takes all of its input before it starts.

    def __init__(self, workers):
        self.executor = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork"))

    def submit(self, function, argument):
        future = self.executor.submit(function, argument)
        future.get = future.result
        return future

    def run(self, function, argument):
        return self.executor.submit(function, argument).result()

    def imap(self, function, items):
        return self.executor.map(function, items)

    def close(self):
        self.executor.shutdown()


def open_side(kind, workers):
    return ExecutorSide(workers) if kind == "executor" else PoolSide(kind, workers)


class Context:
    def __init__(self, kind):
        self.kind = kind
        self.pools = {}

    def pool(self, workers):
        if workers not in self.pools:
            self.pools[workers] = open_side(self.kind, workers)
        return self.pools[workers]

    def close(self):
        for pool in self.pools.values():
            pool.close()
        self.pools.clear()


# The scenarios.


def now():
    return time.perf_counter() * 1000


def verify_squares(results, count):
    results = list(results)
    if len(results) != count:
        raise ValueError(f"wrong: {len(results)} results for {count} tasks")
    if sum(y % MODULUS for y in results) != sum(i * i % MODULUS for i in range(count)):
        raise ValueError("wrong: the results are not the squares")


def rated(ms, count):
    return {"ms": ms, "perSecond": count / ms * 1000}


def burst(context, params):
    pool, count = context.pool(2), params["count"]
    start = now()
    pending = [pool.submit(square, i) for i in range(count)]
    results = [p.get() for p in pending]
    ms = now() - start
    verify_squares(results, count)
    return rated(ms, count)


def submit(context, params):
    if context.kind != "executor":
        return None
    return burst(context, params)


def map_items(context, params):
    pool, count = context.pool(2), params["count"]
    if not pool.map:
        return None
    items = list(range(count))
    start = now()
    results = pool.map(square, items)
    ms = now() - start
    verify_squares(results, count)
    return rated(ms, count)


def imap_items(context, params):
    pool, count = context.pool(2), params["count"]
    items = list(range(count))
    start = now()
    results = list(pool.imap(square, items))
    ms = now() - start
    verify_squares(results, count)
    return rated(ms, count)


def round_trip(context, params):
    pool, count = context.pool(2), params["count"]
    results, times = [], []
    for i in range(count):
        start = now()
        results.append(pool.run(square, i))
        times.append(now() - start)
    verify_squares(results, count)
    return {"us": statistics.median(times) * 1000}


def make_records():
    return {
        "records": [
            {
                "id": i,
                "name": f"record number {i}",
                "score": i / 7,
                "active": i % 2 == 0,
                "tags": ["first", f"tag {i % 10}"],
            }
            for i in range(10_000)
        ]
    }


PAYLOADS = {
    "string-1k": lambda: "x" * 1_000,
    "string-100k": lambda: "x" * 100_000,
    "records": make_records,
    "bytes": lambda: b"\7" * 10_000_000,
    "large": lambda: b"\7" * (100 * 2**20),
}


def payloads(context, params):
    pool, value, times = context.pool(2), PAYLOADS[params["kind"]](), []
    for _ in range(int(params["trips"])):
        start = now()
        back = pool.run(echo, value)
        times.append(now() - start)
        if back != value:
            raise ValueError("wrong: the value came back changed")
    return {"ms": statistics.median(times)}


def start_up(context, params):
    times = []
    for i in range(-2, params["repetitions"]):
        start = now()
        pool = open_side(context.kind, 1)
        result = pool.run(square, 7)
        ms = now() - start
        pool.close()
        if result != 49:
            raise ValueError("wrong: the result is not the square")
        if i >= 0:
            times.append(ms)
    return {"ms": statistics.median(times)}


def nothing():
    pass


def process(context, params):
    if context.kind == "executor":
        return None
    times = []
    for i in range(-2, params["repetitions"]):
        start = now()
        one = multiprocessing.get_context(context.kind).Process(target=nothing)
        one.start()
        one.join()
        if one.exitcode != 0:
            raise ValueError("wrong: the exit code is %d" % one.exitcode)
        if i >= 0:
            times.append(now() - start)
    return {"ms": statistics.median(times)}


PRIMES_BELOW = {200_000: 17_984, 400_000: 33_860}


def scaling(context, params):
    limit = params["limit"] // 10
    width = limit // 125

    def count(pool):
        for warm in [pool.submit(count_primes, (0, 200)) for _ in range(8)]:
            warm.get()
        start = now()
        pending = [pool.submit(count_primes, (i * width, (i + 1) * width)) for i in range(125)]
        total = sum(p.get() for p in pending)
        ms = now() - start
        if total != PRIMES_BELOW[limit]:
            raise ValueError("wrong: not the number of primes")
        return ms

    one = count(context.pool(1))
    two = count(context.pool(2))
    return {"one": one, "two": two, "speedUp": one / two}


def skew(context, params):
    workers, pool = 2, context.pool(2)
    if params["form"] == "map" and not pool.map:
        return None
    shorts, long_ms = params["shorts"], params["longMs"]
    items = [1] * (shorts + 1)
    items[0 if params["place"] == "first" else shorts // 2] = long_ms

    free, ideal_shorts = [0] * workers, 0
    for ms in items:
        soonest = free.index(min(free))
        free[soonest] += ms
        if ms != long_ms:
            ideal_shorts = max(ideal_shorts, free[soonest])
    for warm in [pool.submit(busy, 0) for _ in range(20)]:
        warm.get()

    last_short = 0
    start = now()
    if params["form"] == "map":
        results = pool.map(busy, items)
    else:
        pending = [pool.submit(busy, ms) for ms in items]
        results = []
        # Results are taken in order, the long one last, so that the clock sees the last short one.
        for p in sorted(pending, key=lambda p: p is pending[items.index(long_ms)]):
            results.append(p.get())
            if results[-1] != long_ms:
                last_short = now() - start
    ms = now() - start
    if sorted(results) != sorted(items):
        raise ValueError("wrong: not the results of the tasks")
    figures = {"time": ms / max(free)}
    if params["form"] == "singles":
        figures["shorts"] = last_short / ideal_shorts
    return figures


def rss():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def memory(context, params):
    return MEMORY[params["kind"]](context.pool(2), params)


def queued(pool, params):
    count, finish_ms = params["count"], params["finishMs"]
    for warm in [pool.submit(square, i) for i in range(1_000)]:
        warm.get()
    pending = collections.deque(maxlen=count)
    before, start = rss(), now()
    pending.extend(pool.submit(square, i) for i in range(count))
    each, resumed, results = {"rssEach": (rss() - before) / count}, now(), []
    for p in pending:
        results.append(p.get())
        if now() - resumed > finish_ms:
            return {**each, "seconds": f"> {finish_ms / 1000:g}" if finish_ms else "no"}
    ms = now() - start
    verify_squares(results, count)
    return {**each, "seconds": ms / 1000}


def finished(pool, params):
    count, start, done, before = params["count"], now(), 0, None
    while done < count and now() - start < params["finishMs"]:
        pending = [pool.submit(square, i) for i in range(10_000)]
        verify_squares([p.get() for p in pending], 10_000)
        done += 10_000
        if before is None and done >= count / 10:
            before = rss()
    after = rss()
    return {"count": done, "rssMB": (after - (before or after)) / MB}


def endless(pool, params):
    if not pool.endless:
        return None
    produced = ahead = 0

    def numbers():
        nonlocal produced
        for i in itertools.count():
            produced += 1
            yield i % 1_000

    for consumed, result in enumerate(pool.endless(square, numbers()), 1):
        if result != ((consumed - 1) % 1_000) ** 2:
            raise ValueError("wrong: the results are not the squares")
        ahead = max(ahead, produced - consumed)
        if consumed == params["count"] // 10:
            before = rss()
        if consumed == params["count"]:
            break
        time.sleep(0.001)
    return {"ahead": ahead, "rssMB": (rss() - before) / MB}


MEMORY = {"queued": queued, "finished": finished, "endless": endless}


def idle(context, params):
    pool = context.pool(2)
    verify_squares([p.get() for p in [pool.submit(square, i) for i in range(100)]], 100)
    if params["kind"] == "exit":
        return {}
    time.sleep(0.5)
    workers = [child.pid for child in multiprocessing.active_children()]
    pids = [[os.getpid()], workers]
    before = [sum(map(cpu_ms, group)) for group in pids]
    time.sleep(params["ms"] / 1000)
    spent = [sum(map(cpu_ms, group)) - b for group, b in zip(pids, before)]
    return {"host": spent[0] / params["ms"] * 1000, "workers": spent[1] / params["ms"] * 1000}


def cpu_ms(pid):
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
            total += int(file.read().split()[0]) / 1e6
    return total


def manager(context, params):
    if context.kind == "executor":
        return None
    count, times = params["count"], []
    with multiprocessing.get_context(context.kind).Manager() as shared:
        items = shared.dict()
        begin = now()
        for i in range(count):
            start = now()
            items[i % 100] = i
            times.append(now() - start)
        ms = now() - begin
        if items[99] != count - 1:
            raise ValueError("wrong: the last value is not there")
    return {"us": statistics.median(times) * 1000, "ms": ms}


def get_all(q, answer, count):
    answer.put("ready")
    total = q.get()
    start = now()
    for _ in range(1, count):
        total += q.get()
    answer.put((now() - start, total))


def put_all(q, answers, go, first, count):
    answers.put("ready")
    go.get()
    for i in range(count):
        q.put(first + i)
    answers.put("done")


def get_every(q, answers, go):
    answers.put("ready")
    go.get()
    taken = []
    for item in iter(q.get, None):
        taken.append(item)
    answers.put(taken)


def echo_pipe(end):
    for message in iter(end.recv, None):
        end.send(message)


def queues(context, params):
    if context.kind == "executor":
        return None
    of = multiprocessing.get_context(context.kind)
    kind, count = params["kind"], params.get("count")
    if kind == "pipe":
        here, there = of.Pipe()
        child = of.Process(target=echo_pipe, args=(there,))
        child.start()
        times = []
        for i in range(count):
            start = now()
            here.send(i)
            if here.recv() != i:
                raise ValueError("wrong: another value came back")
            times.append(now() - start)
        here.send(None)
        child.join()
        return {"us": statistics.median(times) * 1000}
    q, answers = of.Queue(), of.Queue()
    if kind == "many":
        each, go = params["each"], of.Queue()
        children = [of.Process(target=put_all, args=(q, answers, go, i * each, each)) for i in range(4)]
        children += [of.Process(target=get_every, args=(q, answers, go)) for _ in range(4)]
        for one in children:
            one.start()
        for _ in children:
            answers.get()
        start = now()
        for _ in children:
            go.put("go")
        for _ in range(4):
            answers.get()
        # A putter says so before its items have gone: the end may overtake them, but not in the pipe.
        for one in children[:4]:
            one.join()
        for _ in range(4):
            q.put(None)
        taken = [item for _ in range(4) for item in answers.get()]
        ms = now() - start
        for one in children:
            one.join()
        if len(taken) != 4 * each or len(set(taken)) != 4 * each:
            raise ValueError("wrong: not every item once")
        return {"ms": ms}
    child = of.Process(target=get_all, args=(q, answers, count))
    child.start()
    answers.get()
    for i in range(count):
        q.put(i)
    ms, total = answers.get()
    child.join()
    if total != count * (count - 1) // 2:
        raise ValueError("wrong: not the items that were put")
    return {"ms": ms, "perSecond": count / ms * 1000}


def add_locked(lock, total, ready, go, done, count):
    ready.release()
    go.wait()
    for _ in range(count):
        with lock:
            total.value += 1
    done.release()


def free_lock(lock, count):
    start = now()
    for _ in range(count):
        lock.acquire()
        lock.release()
    return (now() - start) / count * 1e6


def locks(context, params):
    kind = params["kind"]
    # There is no way to wait for a lock that does not take a thread.
    if context.kind == "executor" or kind == "waiters":
        return None
    of = multiprocessing.get_context(context.kind)
    lock = of.Lock()
    if kind == "free":
        return {"ns": min(free_lock(lock, params["count"]) for _ in range(10))}
    each = params["each"]
    ready, done, go, total = of.Semaphore(0), of.Semaphore(0), of.Event(), of.Value("i", 0, lock=False)
    args = (lock, total, ready, go, done, each)
    children = [of.Process(target=add_locked, args=args) for _ in range(2)]
    for one in children:
        one.start()
    for _ in children:
        ready.acquire()
    start = now()
    go.set()
    for _ in children:
        done.acquire()
    ms = now() - start
    for one in children:
        one.join()
    if total.value != 2 * each:
        raise ValueError("wrong: an addition was lost")
    return {"ms": ms, "perSecond": 2 * each / ms * 1000}


def control(_context, _params):
    """Pools of CPython have no timeouts, and end nothing that runs but by ending all."""
    return None


SCENARIOS = {
    "burst": burst,
    "submit": submit,
    "map": map_items,
    "imap": imap_items,
    "round-trip": round_trip,
    "payloads": payloads,
    "start-up": start_up,
    "process": process,
    "scaling": scaling,
    "skew": skew,
    "memory": memory,
    "idle": idle,
    "control": control,
    "manager": manager,
    "queues": queues,
    "locks": locks,
}


# The protocol.


def attempt(context, scenario, params):
    try:
        sample = SCENARIOS[scenario](context, params)
        return {"absent": True} if sample is None else {"sample": sample}
    except Exception as error:  # Whatever fails is shown in the table.
        return {"error": str(error)}


def answer(message):
    print("@bench", json.dumps(message), flush=True)


def main():
    mode, kind, *rest = sys.argv[1:]
    context = Context(kind)
    if mode == "once":
        answer(attempt(context, rest[0], json.loads(rest[1])))
        return
    answer({"ready": True})
    for line in iter(sys.stdin.readline, ""):
        request = json.loads(line)
        if request["op"] == "close":
            context.close()
            answer({"closed": True})
        else:
            answer(attempt(context, request["scenario"], request["params"]))
    context.close()


if __name__ == "__main__":
    main()
