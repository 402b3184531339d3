"""index_tokens.json: transforms, orders and tokens of docs/FORMAT.md, section 5."""

from maker import index_tokens, transforms
from maker.cases import CaseFile, refusal, seeded
from maker.index_refusals import add_refusals
from maker.index_samples import FORMS, MANY_TRANSFORMS, ORDERS, SEARCHES, STORED
from maker.index_tokens import Index

WHERE = {part: seeded("index " + part, size)
         for part, size in (("key", 32), ("tenant", 16), ("domain", 16))}


def index_of(form, **changes):
    where = {**WHERE, **changes}
    return Index(where["key"], where["tenant"], where["domain"], form)


def written_form(form):
    return {name: str(value) if name in ("min", "max") else value for name, value in form.items()}


def place_fields(form, **changes):
    where = {**WHERE, **changes}
    return {**{name: where[name].hex() for name in WHERE}, "form": written_form(form)}


def written(tokens):
    return [token.hex() if isinstance(token, bytes) else str(token) for token in tokens]


def shown(value):
    return ascii(value)[:60]


def raw_of(value):
    return value.encode("utf-8") if isinstance(value, str) else value


def order_of(kind, value, scale=0):
    if kind == "int64":
        return index_tokens.order_of_int64(int(value))
    if kind == "timestamp":
        return index_tokens.order_of_timestamp(int(value))
    if kind == "decimal":
        return index_tokens.order_of_decimal(value, scale)
    return index_tokens.order_of_double(bytes.fromhex(value))


def add_transforms(cases):
    for names, text, expected in MANY_TRANSFORMS:
        output = transforms.apply(names, raw_of(text))
        assert output == raw_of(expected), (names, text, output)
        cases.positive("transform %s of %s" % (" ".join(names) or "none", shown(text)), op="transform",
                       transforms=names, input=raw_of(text).hex(), output=output.hex())


def add_orders(cases):
    previous = None
    for kind, value, scale in ORDERS:
        order = order_of(kind, value, scale)
        if previous is not None and previous[0] == kind:
            assert previous[1] <= order, (kind, value)
        previous = (kind, order)
        cases.positive("order of %s %s, scale %d" % (kind, value, scale), op="order", type=kind,
                       value=value, scale=scale, order=str(order))


def add_stored(cases):
    for name, value, partition in STORED:
        form = FORMS[name]
        title = "%s of %s in partition %d" % (name, shown(value), partition)
        fields = {**place_fields(form), "partition": partition}
        if form["kind"] == "range":
            tokens = index_of(form).stored_range(value, partition)
            cases.positive(title, op="stored_range", **fields, order=str(value), tokens=written(tokens))
        else:
            tokens = index_of(form).stored(raw_of(value), partition)
            cases.positive(title, op="stored", **fields, value=raw_of(value).hex(),
                           tokens=written(tokens))


def add_searches(cases):
    for name, value, anchors in SEARCHES:
        form = FORMS[name]
        title = "search %s for %s%s" % (name, shown(value), anchors and " " + anchors)
        if form["kind"] == "range":
            groups, needs_filter = index_of(form).search_range(*value)
            asked = {"op": "search_range", "low": str(value[0]), "high": str(value[1])}
        else:
            at_start, at_end = "start" in anchors, "end" in anchors
            groups, needs_filter = index_of(form).search(raw_of(value), at_start, at_end)
            asked = {"op": "search", "value": raw_of(value).hex(), "at_start": at_start,
                     "at_end": at_end}
        cases.positive(title, **asked, **place_fields(form), needs_filter=needs_filter,
                       alternatives=[written(group) for group in groups])


def add_compounds(cases):
    for title, values in (("two texts", [b"ab", b"c"]), ("the same bytes cut elsewhere", [b"a", b"bc"]),
                          ("an empty one", [b"", b"abc"]), ("one NULL", [b"a", None]),
                          ("sixteen", [bytes([i]) for i in range(16)])):
        packed = index_tokens.pack_compound(values)
        cases.positive("compound of " + title, op="compound",
                       values=[None if v is None else v.hex() for v in values],
                       packed=None if packed is None else packed.hex())


def add_differences(cases):
    """Requests that differ in one thing from a base: no token of the base comes out."""
    other = seeded("index other", 32)
    bases = [("equality", "anna@example.org"), ("prefix", "anna@example.org"),
             ("ngram", "anna@example.org"), ("range days", 2**63 + 19000), ("bytea", "anna@example.org")]
    for name, value in bases:
        form = FORMS[name]
        is_range = form["kind"] == "range"

        def stored(changed_form, changed_value, partition=0, is_range=is_range, **changes):
            index = index_of(changed_form, **changes)
            if is_range:
                return index.stored_range(changed_value, partition)
            return index.stored(raw_of(changed_value), partition)

        base = stored(form, value)
        variants = [("another key", form, 0, {"key": other}),
                    ("another tenant", form, 0, {"tenant": other[:16]}),
                    ("the global tenant", form, 0, {"tenant": bytes(16)}),
                    ("another index domain", form, 0, {"domain": other[:16]}),
                    ("tenant and domain exchanged", form, 0,
                     {"tenant": WHERE["domain"], "domain": WHERE["tenant"]}),
                    ("another profile", {**form, "profile": form["profile"] + 1}, 0, {}),
                    ("another partition", {**form, "partitions": 4}, 3, {})]
        for title, changed, partition, changes in variants:
            assert not set(base) & set(stored(changed, value, partition, **changes)), (name, title)
            fields = {"order": str(value)} if is_range else {"value": raw_of(value).hex()}
            cases.negative("%s: %s" % (name, title), "no token of the base comes out", op="differs",
                           **place_fields(changed, **changes), partition=partition, **fields,
                           tokens=written(base))


def make_file():
    cases = CaseFile("index tokens (docs/FORMAT.md, section 5)")
    add_transforms(cases)
    add_orders(cases)
    add_compounds(cases)
    add_stored(cases)
    add_searches(cases)
    add_differences(cases)
    add_refusals(cases, {"refusal": refusal, "index_of": index_of, "place_fields": place_fields,
                         "order_of": order_of, "raw_of": raw_of})
    return cases
