"""Ours beside PyTorch on the same tensors, and both against what the card can do at most.

    run.py --library libwarpline_cuda12.so --ceilings libwarpline_ceilings.so --output FOLDER [FILTER]
    run.py --plan        what would be measured; needs neither PyTorch nor a GPU

Writes peers.json and peers.md into the folder. Fails where a call fails, a result is wrong or a bar is missed; with a
filter (part of a case's group and name) the bars that it leaves unmeasured do not count.
"""
import argparse
import ctypes
import json
import pathlib
import statistics
import sys

import cases
import measure
import report
import warpline

PLANNED_CACHE = 50 << 20  # bytes of second-level cache for --plan: an H100's
MMA_ROUNDS = 20000
GIBI = 1 << 30
# Of the largest value of the reference: both sides round to bfloat16, and sum in their own order.
TOLERANCE = 0.02


def short(error):
    return f"{type(error).__name__}: {error}".replace("\n", " ").replace("|", "/")[:120]


def ceilings(torch, path):
    """Rates: bytes a second of a copy, the better one of reading and copying, operations a second of mma.sync."""
    loop = ctypes.CDLL(path).warpline_mma_loop
    loop.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ctypes.c_double)]
    operations = ctypes.c_double()
    x, y = (torch.zeros(GIBI // 4, dtype=torch.float32, device="cuda") for _ in range(2))

    def mma():
        status = loop(y.data_ptr(), MMA_ROUNDS, torch.cuda.current_stream().cuda_stream, operations)
        if status != 0:
            raise RuntimeError(f"the mma.sync loop: CUDA error {status}")

    copy, read, products = (measure.Contender(name, [call]) for name, call in
                            (("copy", lambda: y.copy_(x)), ("read", x.sum), ("mma", mma)))
    measure.in_turns(torch, [copy, read, products])
    of_copy = 2 * GIBI / statistics.median(copy.seconds)
    of_read = GIBI / statistics.median(read.seconds)
    of_mma = operations.value / statistics.median(products.seconds)
    return {"copy": of_copy, "bandwidth": max(of_copy, of_read), "mma": of_mma}


def require_agreement(torch, calls):
    """Ours against each peer that works; a fast wrong kernel is no result. Returns the peers, or why one does not work."""
    peers = {}
    for name, peer in calls.peers.items():
        calls.output.fill_(float("nan"))
        calls.ours()
        try:
            expected = peer().float()
            torch.cuda.synchronize()
        except Exception as error:  # a backend says in its own way that it does not serve a case
            peers[name] = {"error": short(error)}
            continue
        difference = (calls.output.float() - expected).abs().max().item()
        largest = expected.abs().max().item()
        if not difference <= TOLERANCE * largest:
            raise RuntimeError(f"differs from {name} by {difference:.3g}, where the largest value is {largest:.3g}")
        peers[name] = None
    return peers


def run_case(torch, library, case, limits, cache_bytes):
    row = {"group": case.group, "name": case.name, "ceiling": case.ceiling, "work": case.work, "peers": {}}
    try:
        sets = [case.build(torch, library) for _ in range(measure.sets_needed(case.bytes, cache_bytes))]
        row["sets"] = len(sets)
        row["peers"] = require_agreement(torch, sets[0])
        sets[0].ours()
        row["kernel"] = library.last_kernel()
        ours = measure.Contender("ours", [calls.ours for calls in sets])
        others = [measure.Contender(name, [calls.peers[name] for calls in sets])
                  for name, problem in row["peers"].items() if problem is None]
        measure.in_turns(torch, [ours] + others)
        row["rate"] = case.work / statistics.median(ours.seconds)
        row["fraction"] = row["rate"] / limits[case.ceiling]
        for peer in others:
            row["peers"][peer.name] = {"rate": case.work / statistics.median(peer.seconds),
                                       "speedup": measure.speedup(ours, peer)}
    except Exception as error:  # one case must not hide the others; the row says what happened, and the run fails
        row["error"] = short(error)
        row["peers"] = {name: seen for name, seen in row["peers"].items() if seen is not None}
    return row


def plan(chosen):
    for case in chosen:
        sets = measure.sets_needed(case.bytes, PLANNED_CACHE)
        print(f"{case.group:12} {case.name:32} {case.work:.4g} {case.ceiling:10} {case.bytes >> 20} MiB x {sets}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plan", action="store_true")
    parser.add_argument("--library")
    parser.add_argument("--ceilings")
    parser.add_argument("--output", type=pathlib.Path)
    parser.add_argument("filter", nargs="?", default="")
    options = parser.parse_args()
    chosen = [case for case in cases.all_cases() if options.filter in f"{case.group} {case.name}"]
    if options.plan:
        return plan(chosen)
    for name in ("library", "ceilings", "output"):
        if getattr(options, name) is None:
            parser.error(f"--{name} is missing")

    import torch
    torch.manual_seed(1)
    properties = torch.cuda.get_device_properties(0)
    library = warpline.Library(options.library, torch)
    result = {"device": properties.name, "torch": torch.__version__, "cudnn": torch.backends.cudnn.version(),
              "library": pathlib.Path(options.library).name, "cache_bytes": properties.L2_cache_size,
              "ceilings": ceilings(torch, options.ceilings), "rows": []}
    for case in chosen:
        row = run_case(torch, library, case, result["ceilings"], properties.L2_cache_size)
        result["rows"].append(row)
        print(json.dumps(row), flush=True)
        torch.cuda.empty_cache()
        # After each case, so that a run that is cut off leaves what it has.
        result["bars"] = report.bars(result["rows"])
        (options.output / "peers.json").write_text(json.dumps(result, indent=1) + "\n")
        (options.output / "peers.md").write_text(report.markdown(result))
    wrong = [row for row in result["rows"] if "error" in row]
    missed = [bar for bar in result["bars"] if not bar["met"] and not (options.filter and bar["value"] is None)]
    for row in wrong:
        print(f"{row['group']} {row['name']}: {row['error']}", file=sys.stderr)
    for bar in missed:
        print(f"bar missed: {bar['name']}: {report.number(bar['value'])}, wanted {bar['bar']}", file=sys.stderr)
    return 1 if wrong or missed else 0


if __name__ == "__main__":
    sys.exit(main())
