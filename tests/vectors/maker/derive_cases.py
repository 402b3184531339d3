"""derive.json: every label of docs/FORMAT.md, section 2."""

from maker.cases import CaseFile, seeded
from maker.derivation import LENGTH, derive, derive_info, index_fields, suite_fields

ZERO = bytes(16)


def suite_inputs(suite, tenant, field):
    return suite_fields(suite, tenant, field), {
        "suite": suite, "tenant": tenant.hex(), "field": field.hex()}


def index_inputs(tenant, domain, profile):
    return index_fields(tenant, domain, profile), {
        "tenant": tenant.hex(), "domain": domain.hex(), "profile": profile}


def store_inputs(store):
    return store, {"store": store.hex()}


NONE = (b"", {})
SUITES = {"enc": (1, 2), "cmt": (2,), "det": (4,), "dek": (2,)}
OF_STORE = ("meta", "set", "ask")


def add(cases, name, label, key, fields_and_inputs):
    fields, inputs = fields_and_inputs
    output = derive(key, label, fields)
    cases.positive(name, key=key.hex(), label=label, inputs=inputs, fields=fields.hex(),
                   info=derive_info(label, fields).hex(), length=LENGTH[label], output=output.hex())
    return output


def add_one_key(cases):
    """All labels from one key and one set of ids; all outputs differ."""
    key, tenant, other = (seeded("derive " + part, size) for part, size in (
        ("key", 32), ("tenant", 16), ("field, domain and store", 16)))
    outputs = []
    for label in LENGTH:
        if label in SUITES:
            for suite in SUITES[label]:
                name = "one key: %s, suite %d" % (label, suite)
                outputs.append(add(cases, name, label, key, suite_inputs(suite, tenant, other)))
        elif label in ("idx", "pad", "slw"):
            outputs.append(add(cases, "one key: " + label, label, key,
                               index_inputs(tenant, other, 1)))
        else:
            inputs = store_inputs(other) if label in OF_STORE else NONE
            outputs.append(add(cases, "one key: " + label, label, key, inputs))
    assert len({output[:16] for output in outputs}) == len(outputs)


def add_edges(cases):
    key, tenant, field = (seeded("derive edge " + part, size) for part, size in (
        ("key", 32), ("tenant", 16), ("field", 16)))
    for label, suites in SUITES.items():
        for suite in suites:
            add(cases, "the global tenant: %s, suite %d" % (label, suite), label, key,
                suite_inputs(suite, ZERO, field))
            add(cases, "tenant and field exchanged: %s, suite %d" % (label, suite), label, key,
                suite_inputs(suite, field, tenant))
    for label in ("idx", "pad", "slw"):
        add(cases, "the global tenant: " + label, label, key, index_inputs(ZERO, field, 1))
        for profile in (2, 256, 2**32 - 1):
            add(cases, "profile %d: %s" % (profile, label), label, key,
                index_inputs(tenant, field, profile))
    for label in ("kcv", "wrap", "wcm"):
        add(cases, "another key: " + label, label, key, NONE)
        add(cases, "a key of zeros: " + label, label, bytes(32), NONE)
    for label in OF_STORE:
        add(cases, "another key and store: " + label, label, key, store_inputs(field))


def add_named_elsewhere(cases):
    """The dek of the case of the same name in wrapped_key.json."""
    name = "a caller's key under a dek"
    tenant, field = seeded(name + " tenant", 16), seeded(name + " field", 16)
    add(cases, name, "dek", seeded(name + " data key", 32), suite_inputs(2, tenant, field))


def make_file():
    cases = CaseFile("key derivation (docs/FORMAT.md, section 2)")
    add_one_key(cases)
    add_edges(cases)
    add_named_elsewhere(cases)
    return cases
