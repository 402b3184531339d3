"""The defences that a run can be without, to show that the attack that each of them stops then gets something."""

import dataclasses


@dataclasses.dataclass
class Defences:
    ciphertext_only: bool = True
    values_stay_home: bool = True
    keyed_tokens: bool = True
    quiet_errors: bool = True
    bind: bool = True
    row: bool = True
    pad: bool = True
    roles: bool = True
    key_file: bool = True
    match: bool = True
    rewrite: bool = True
    own_catalog: bool = True
    quota: bool = True
    auditor: bool = True
    controls: bool = True


# name: (what is missing, the attacks that have to say so, the quickest to show it first)
BREAKS = {
    "ciphertext-only": ("a column is bytea without its CHECK, and an old application writes plaintext into it",
                        ("T2", "T1", "T5")),
    "values-stay-home": ("the application sends what it searches for along with the token", ("T2", "T4")),
    "keyed-tokens": ("tokens are hashes without a key", ("T7",)),
    "quiet-errors": ("the settings that keep refused statements out of the log are not set", ("T3",)),
    "bind": ("the secret is not bound to the columns beside it", ("T21",)),
    "row": ("values are not bound to their rows", ("T9",)),
    "pad": ("secrets are not padded", ("T20",)),
    "roles": ("the DBA's user is listed for the application's socket", ("T14", "T18")),
    "key-file": ("the key file and its folder are readable by all", ("T18",)),
    "match": ("the application believes what the database finds", ("T12",)),
    "rewrite": ("a migration drops the plaintext column and rewrites nothing", ("T6",)),
    "own-catalog": ("the application asks the database's labels what to encrypt", ("T13",)),
    "quota": ("there is no limit on searches", ("T8",)),
    "auditor": ("no auditor can read the audit log", ("T8", "T9", "T14", "T21")),
    "controls": ("nothing is planted that a search could find", ("T7", "T1", "T2", "T5")),
}


def without(name):
    """All defences but this one; all of them for None."""
    defences = Defences()
    if name is not None:
        setattr(defences, name.replace("-", "_"), False)
    return defences
