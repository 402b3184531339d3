"""wrapped_key.json: the cases of docs/FORMAT.md, section 3."""

from dataclasses import replace

from maker.cases import CaseFile, flip, refusal, seeded, seeded_id
from maker.derivation import commitment, derive, suite_fields
from maker.field import FieldRequest, encrypt
from maker.primitives import xaes_encrypt
from maker.values import u8, u64
from maker.wrapped_key import (ZERO, WrapContext, assemble_wrapped, unwrap, wrap,
                               wrap_associated_data)

BOTH = "tag and commitment"
KINDS = {1: "a KEK", 2: "a data key", 3: "a caller's key", 4: "the root key in a seal slot"}
INNER = seeded("wrapped inner key", 32)


def make_context(name, kind, purpose=1):
    """A context that the table allows, seeded by the name of the case."""
    key, key_id, inner_id = seeded(name + " key", 32), seeded_id(name), seeded_id(name + " inner")
    store, keyring, tenant = (seeded(name + part, 16) for part in (" store", " ring", " tenant"))
    parts = {1: (keyring, 0, inner_id, ZERO, 0), 2: (keyring, 1, inner_id, tenant, purpose),
             3: (keyring, 1, key_id, tenant, 1), 4: (ZERO, 0, inner_id, ZERO, 0)}[kind]
    return WrapContext(key, key_id, store, kind, *parts)


def context_fields(context):
    return {"wrapping_key": context.wrapping_key.hex(),
            "wrapping_key_id": str(context.wrapping_key_id), "store": context.store.hex(),
            "kind": context.kind, "keyring": context.keyring.hex(), "version": context.version,
            "inner_key_id": str(context.inner_key_id), "tenant": context.tenant.hex(),
            "purpose": context.purpose}


def add_positive(cases, name, context, inner_key=None):
    inner_key = seeded(name + " inner key", 32) if inner_key is None else inner_key
    wrapped = wrap(context, inner_key, seeded(name + " nonce", 24))
    assert unwrap(context, wrapped) == inner_key
    cases.positive(name, **context_fields(context), inner_key=inner_key.hex(),
                   wrapped=wrapped.hex())


def add_positives(cases):
    for kind, title in KINDS.items():
        add_positive(cases, title, make_context(title, kind))
        for key_id in (1, 2**63 - 1):
            name = "%s under wrapping key id %d" % (title, key_id)
            context = replace(make_context(name, kind), wrapping_key_id=key_id)
            if kind == 3:
                context = replace(context, inner_key_id=key_id)
            add_positive(cases, name, context)
        if kind != 3:
            for key_id in (1, 2**63 - 1):
                name = "%s with inner key id %d" % (title, key_id)
                add_positive(cases, name, replace(make_context(name, kind), inner_key_id=key_id))
    for purpose, title in ((2, "deterministic"), (3, "index")):
        name = "a data key of purpose " + title
        add_positive(cases, name, make_context(name, 2, purpose))
    for kind in (2, 3):
        add_versions(cases, kind)
    add_positive(cases, "an inner key of zeros", make_context("zeros", 2), bytes(32))
    add_positive(cases, "an inner key equal to the wrapping key", make_context("equal", 2),
                 make_context("equal", 2).wrapping_key)
    add_callers_key(cases)


def add_versions(cases, kind):
    for version in (2, 256, 2**32 - 1):
        name = "%s of version %d" % (KINDS[kind], version)
        add_positive(cases, name, replace(make_context(name, kind), version=version))
    name = KINDS[kind] + " of the global tenant"
    add_positive(cases, name, replace(make_context(name, kind), tenant=ZERO))


def add_callers_key(cases):
    """The wrapping key is the dek that derive.json has under the same name."""
    name = "a caller's key under a dek"
    context = make_context(name, 3)
    fields = suite_fields(2, context.tenant, seeded(name + " field", 16))
    dek = derive(seeded(name + " data key", 32), "dek", fields)
    add_positive(cases, name, replace(context, wrapping_key=dek))


class Negatives:
    def __init__(self, cases):
        self.cases = cases
        self.context = make_context("negative base", 2)
        self.nonce = seeded("negative wrap nonce", 24)
        self.wrapped = wrap(self.context, INNER, self.nonce)

    def add(self, name, why, check, context=None, wrapped=None):
        context = self.context if context is None else context
        wrapped = self.wrapped if wrapped is None else wrapped
        found = refusal(unwrap, context, wrapped)
        assert found == check, (name, found, check)
        self.cases.negative(name, why, **context_fields(context), inner_key=INNER.hex(),
                            wrapped=wrapped.hex())

    def forge(self, context=None, **kwargs):
        context = self.context if context is None else context
        return assemble_wrapped(context, INNER, self.nonce, **kwargs)


def add_flips(out):
    why = "every byte is authenticated"
    checks = ["format byte", "algorithm"] + ["wrapping key id"] * 8
    for index, check in enumerate(checks):
        out.add("a bit flipped in header byte %d" % index, why, check,
                wrapped=flip(out.wrapped, index, index % 8))
    for title, index, check in (
            ("first byte of the nonce", 10, BOTH), ("nonce byte 11", 21, BOTH),
            ("nonce byte 12", 22, BOTH), ("last byte of the nonce", 33, BOTH),
            ("first byte of the ciphertext", 34, "tag"), ("last byte of the ciphertext", 65, "tag"),
            ("first byte of the tag", 66, BOTH), ("last byte of the tag", 81, BOTH),
            ("first byte of the commitment", 82, "commitment"),
            ("middle of the commitment", 98, "commitment"),
            ("last byte of the commitment", 113, "commitment")):
        out.add("a bit flipped in the " + title, why, check,
                wrapped=flip(out.wrapped, index, 7 * (index % 2)))


def add_lengths(out):
    for length in (0, 1, 2, 9, 10, 34, 66, 82, 98, 113):
        out.add("%d bytes" % length, "a wrapped key has 114 bytes", "length",
                wrapped=out.wrapped[:length])
    for title, wrapped in (("115 bytes", out.wrapped + b"\0"),
                           ("115 bytes, the first one 00", b"\0" + out.wrapped),
                           ("the whole twice", out.wrapped * 2)):
        out.add(title, "a wrapped key has 114 bytes", "length", wrapped=wrapped)
    context, nonce = out.context, out.nonce
    for size in (16, 31, 33, 64):
        wrapped = assemble_wrapped(context, seeded("odd inner key", size), nonce)
        out.add("a valid wrapping of an inner key of %d bytes" % size,
                "an inner key has 32 bytes", "length", wrapped=wrapped)


def add_headers(out):
    why = "the rest is valid under this header, so only the header's check can refuse it"
    key_id = u64(out.context.wrapping_key_id)
    for first in (0x00, 0xC0, 0xC1, 0xC3):
        out.add("first byte %02x" % first, why, "format byte",
                wrapped=out.forge(header=u8(first) + b"\x02" + key_id))
    for second in (0x00, 0x01, 0x03, 0x04, 0x12, 0x22, 0x42, 0x82):
        out.add("second byte %02x" % second, why, "algorithm",
                wrapped=out.forge(header=b"\xc2" + u8(second) + key_id))
    other = out.forge(replace(out.context, wrapping_key_id=seeded_id("another KEK")))
    out.add("another wrapping key id, valid under it", "keys are found by id, never by trial",
            "wrapping key id", wrapped=other)
    for title, bad_id in (("0", 0), ("2^63", 2**63), ("2^64 - 1", 2**64 - 1)):
        bad = replace(out.context, wrapping_key_id=bad_id)
        out.add("wrapping key id %s in the header" % title, "a key id is 1 to 2^63 - 1",
                "wrapping key id", wrapped=out.forge(bad))
        out.add("wrapping key id %s in header and request" % title, "a key id is 1 to 2^63 - 1",
                "table: key id", bad, out.forge(bad))
        bad = replace(out.context, inner_key_id=bad_id)
        out.add("inner key id %s" % title, "a key id is 1 to 2^63 - 1", "table: key id", bad,
                out.forge(bad))


def add_other_contexts(out):
    base = out.context
    changes = [
        ("another wrapping key", {"wrapping_key": seeded("another KEK", 32)}, BOTH),
        ("another wrapping key id in the request",
         {"wrapping_key_id": seeded_id("another KEK")}, "wrapping key id"),
        ("another store", {"store": seeded("another store", 16)}, BOTH),
        ("a store of zeros", {"store": ZERO}, BOTH),
        ("another keyring", {"keyring": seeded("another keyring", 16)}, BOTH),
        ("another version", {"version": 2}, BOTH),
        ("the greatest version", {"version": 2**32 - 1}, BOTH),
        ("another inner key id", {"inner_key_id": seeded_id("another inner")}, BOTH),
        ("another tenant", {"tenant": seeded("another tenant", 16)}, BOTH),
        ("the global tenant", {"tenant": ZERO}, BOTH),
        ("purpose deterministic for encrypt", {"purpose": 2}, BOTH),
        ("purpose index for encrypt", {"purpose": 3}, BOTH),
        ("keyring and tenant exchanged", {"keyring": base.tenant, "tenant": base.keyring}, BOTH),
        ("store and keyring exchanged", {"store": base.keyring, "keyring": base.store}, BOTH),
        ("a data key read as a caller's key",
         {"kind": 3, "inner_key_id": base.wrapping_key_id}, BOTH),
        ("a data key read as a KEK", {"kind": 1, "version": 0, "tenant": ZERO, "purpose": 0}, BOTH),
        ("a data key read as a seal slot",
         {"kind": 4, "version": 0, "keyring": ZERO, "tenant": ZERO, "purpose": 0}, BOTH)]
    for title, change, check in changes:
        out.add(title, "every part of the context is under the associated data", check,
                replace(base, **change))
    for kind, other in ((1, 4), (4, 1)):
        context = make_context("negative kind", kind)
        read_as = replace(context, kind=other,
                          keyring=ZERO if other == 4 else seeded("a keyring", 16))
        out.add("%s read as %s" % (KINDS[kind], KINDS[other]),
                "every part of the context is under the associated data", BOTH, read_as,
                out.forge(context))
    callers = make_context("negative kind", 3)
    out.add("a caller's key read as a data key", "the kind is under the associated data", BOTH,
            replace(callers, kind=2), out.forge(callers))


def add_table(out):
    refused = [
        (1, "kind", {"kind": 0}), (1, "kind", {"kind": 5}), (2, "kind", {"kind": 0}),
        (2, "kind", {"kind": 5}), (2, "kind", {"kind": 255}),
        (1, "version", {"version": 1}), (1, "keyring", {"keyring": ZERO}),
        (1, "tenant", {"tenant": seeded("a tenant", 16)}), (1, "purpose", {"purpose": 1}),
        (1, "purpose", {"purpose": 2}), (1, "purpose", {"purpose": 4}),
        (2, "version", {"version": 0}), (2, "keyring", {"keyring": ZERO}),
        (2, "purpose", {"purpose": 0}), (2, "purpose", {"purpose": 4}),
        (2, "purpose", {"purpose": 255}),
        (3, "version", {"version": 0}), (3, "keyring", {"keyring": ZERO}),
        (3, "purpose", {"purpose": 0}), (3, "purpose", {"purpose": 2}),
        (3, "purpose", {"purpose": 3}), (3, "purpose", {"purpose": 4}),
        (3, "inner key id", {"inner_key_id": seeded_id("another data key")}),
        (4, "version", {"version": 1}), (4, "keyring", {"keyring": seeded("a keyring", 16)}),
        (4, "tenant", {"tenant": seeded("a tenant", 16)}), (4, "purpose", {"purpose": 1}),
        (4, "purpose", {"purpose": 3})]
    for kind, column, change in refused:
        context = replace(make_context("table", kind), **change)
        value = next(iter(change.values()))
        shown = value if isinstance(value, int) and value < 256 else (
            "zero" if value == ZERO else "its own")
        out.add("kind %d with %s %s" % (kind, column, shown),
                "the table refuses it, though it is valid under its own associated data",
                "table: " + column, context, out.forge(context))


def add_constructions(out):
    context, header = out.context, out.context.header()
    ad = wrap_associated_data(context, header)
    for title, other in (
            ("without its label", ad[15:]), ("without the zero after its label", ad[:14] + ad[15:]),
            ("without the header", ad[:15] + ad[25:]), ("without the purpose", ad[:-1]),
            ("with a bare store id", ad[:25] + ad[29:]), ("with a zero at the end", ad + b"\0"),
            ("that is empty", b"")):
        out.add("associated data " + title, "the associated data is exactly the page's", BOTH,
                wrapped=out.forge(ad=other))
    nonce = out.nonce
    commit_key = derive(context.wrapping_key, "wcm")
    for title, key in (("the wrapping key itself", context.wrapping_key),
                       ("the key of label wcm", commit_key)):
        body = xaes_encrypt(key, nonce, INNER, ad)
        tail = commitment(commit_key, nonce, ad, body[-16:])
        out.add("encrypted under " + title, "the AEAD key has label wrap", "tag",
                wrapped=header + nonce + body + tail)
    add_commitments(out, ad, commit_key)


def add_commitments(out, ad, commit_key):
    wrapped, nonce, tag = out.wrapped, out.nonce, out.wrapped[66:82]
    other_key = derive(seeded("another KEK", 32), "wcm")
    for title, value in (
            ("of another key", commitment(other_key, nonce, ad, tag)),
            ("under the AEAD key", commitment(derive(out.context.wrapping_key, "wrap"), nonce, ad,
                                              tag)),
            ("of another nonce", commitment(commit_key, flip(nonce, 0), ad, tag)),
            ("of another associated data", commitment(commit_key, nonce, ad[:-1] + b"\2", tag)),
            ("of zeros", bytes(32))):
        out.add("a valid tag with a commitment " + title, "the commitment is always checked",
                "commitment", wrapped=wrapped[:82] + value)
    wrong_tag = flip(tag, 3)
    out.add("a valid commitment with a wrong tag", "the tag is always checked", "tag",
            wrapped=wrapped[:66] + wrong_tag + commitment(commit_key, nonce, ad, wrong_tag))
    out.add("tag and commitment exchanged", "the tag comes first", BOTH,
            wrapped=wrapped[:66] + wrapped[82:] + tag)


def add_foreign_kinds(out):
    context = out.context
    request = FieldRequest(context.wrapping_key, context.wrapping_key_id, context.store,
                           context.tenant, context.keyring, 2, 0, None, None)
    blob = encrypt(request, INNER, out.nonce)
    assert len(blob) == 114
    out.add("a field ciphertext of 114 bytes", "a blob of one kind never decrypts elsewhere",
            "format byte", wrapped=blob)
    out.add("a field ciphertext with first byte c2", "a blob of one kind never decrypts elsewhere",
            BOTH, wrapped=b"\xc2" + blob[1:])


def make_file():
    cases = CaseFile("wrapped key (docs/FORMAT.md, section 3)")
    add_positives(cases)
    out = Negatives(cases)
    for add_group in (add_flips, add_lengths, add_headers, add_other_contexts, add_table,
                      add_constructions, add_foreign_kinds):
        add_group(out)
    return cases
