"""Results as bars and as Markdown."""
import math

UNITS = {"mma": ("TFLOP/s", 1e12), "bandwidth": ("TB/s", 1e12), "copy": ("TB/s", 1e12)}


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def bars(rows):
    """Each bar with its measured value: None where a row that it needs has none, and then it is not met."""

    def values(group, pick, name=None):
        chosen = [pick(row) for row in rows if row["group"] == group and name in (None, row["name"])]
        return None if not chosen or None in chosen else chosen

    def flash(row):
        return row["peers"].get("flash", {}).get("speedup")

    def fraction(row):
        return row.get("fraction")

    table = [("attention over PyTorch's Flash backend, geometric mean", 1.0, geometric_mean, values("attention", flash)),
             ("attention over PyTorch's Flash backend, least", 0.9, min, values("attention", flash))]
    for edge in (4096, 8192):
        name = f"{edge} x {edge} x {edge}"
        table.append((f"product {name}, of the mma.sync loop", 0.7, min, values("product", fraction, name)))
    table.append(("elementwise, of copy bandwidth, least", 0.85, min, values("elementwise", fraction)))
    table.append(("one-row products, of bandwidth, least", 0.8, min, values("row", fraction)))
    result = []
    for name, bar, reduce, measured in table:
        value = None if measured is None else reduce(measured)
        result.append({"name": name, "bar": bar, "value": value, "met": value is not None and value >= bar})
    return result


def number(value, digits=2):
    return "-" if value is None else f"{value:.{digits}f}"


def markdown(result):
    lines = [f"{result['device']}, PyTorch {result['torch']}, {result['library']}", "",
             "Ceilings measured: " + ", ".join(f"{name} {rate / UNITS[name][1]:.3f} {UNITS[name][0]}"
                                               for name, rate in result["ceilings"].items()) + ".", "",
             "| bar | wanted | measured | |", "|---|---|---|---|"]
    for bar in result["bars"]:
        verdict = "met" if bar["met"] else "not measured" if bar["value"] is None else "missed"
        lines.append(f"| {bar['name']} | {bar['bar']} | {number(bar['value'])} | {verdict} |")
    for group in dict.fromkeys(row["group"] for row in result["rows"]):
        rows = [row for row in result["rows"] if row["group"] == group]
        peers = list(dict.fromkeys(peer for row in rows for peer in row["peers"]))
        unit, scale = UNITS[rows[0]["ceiling"]]
        lines += ["", f"{group}: {unit}; a peer's column is its rate, and how many times as fast ours is", "",
                  f"| case | ours | of {rows[0]['ceiling']} | " + " | ".join(peers) + " | kernel |",
                  "|---" * (4 + len(peers)) + "|"]
        for row in rows:
            cells = []
            for peer in peers:
                seen = row["peers"].get(peer, {"error": "-" if "error" in row else "left out: memory"})
                cells.append(seen["error"] if "error" in seen else
                             f"{seen['rate'] / scale:.3g} ({seen['speedup']:.2f}x)")
            ours = row["error"] if "error" in row else f"{row['rate'] / scale:.3g}"
            lines.append(f"| {row['name']} | {ours} | {number(row.get('fraction'))} | " + " | ".join(cells) +
                         f" | {row.get('kernel', '-')} |")
    return "\n".join(lines) + "\n"
