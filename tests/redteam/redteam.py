"""make redteam: everything that a database superuser holds, tried against a real PostgreSQL with Coffer's extension and
a real cofferd. Prints what was tried, what was got and how it was noticed. Exits with 1 when a secret was got, when a
positive control was not found, or when nobody noticed what somebody should have; with 2 when it was asked wrongly.

    redteam.py BIN PGEXT [--small] [--only T9,T21] [--break NAME] [--output json]
"""

import argparse
import pathlib
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import world as worlds  # noqa: E402
from application import Application, Controls  # noqa: E402
from attacks_reading import files_and_dumps, logs, statistics_and_tokens, what_runs, write_ahead_log  # noqa: E402
from attacks_rows import code_in_the_database, guards_taken_away, lengths, redirects, swaps  # noqa: E402
from attacks_sending import guesses, migration, refused_statements  # noqa: E402
from attacks_service import forged_roles, memory, reach_of_the_server  # noqa: E402
from attacks_store import store_edits  # noqa: E402
from dba_work import work  # noqa: E402
from defences import BREAKS, without  # noqa: E402
from extension_server import BUILT, Build  # noqa: E402
from postgres import exit_unless_installed  # noqa: E402
from report import RED, Outcome, as_json, summary, table  # noqa: E402
from service import Programs  # noqa: E402

# Sources, members, edits of the store.
SIZES = {"tiny": (20, 40, 4), "small": (60, 150, 12), "full": (1000, 3000, 10**6)}

# In this order: what writes comes before what reads it, and the store's edits stop the service.
ATTACKS = {
    "T4": what_runs, "T3": refused_statements, "T6": migration, "T7": statistics_and_tokens, "T9": swaps,
    "T12": code_in_the_database, "T13": guards_taken_away, "T20": lengths, "T21": redirects, "T14": forged_roles,
    "T17": memory, "T18": reach_of_the_server, "work": work, "T8": guesses, "T1": files_and_dumps,
    "T5": write_ahead_log, "T2": logs, "T16": store_edits,
}


def parse_arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin", type=pathlib.Path, help="folder of cofferd and coffer")
    parser.add_argument("pgext", type=pathlib.Path, help="folder that the extension was built in")
    parser.add_argument("--small", action="store_true", help="fewer values, and fewer edits of the store")
    parser.add_argument("--only", default="", help="these attacks, with commas between them")
    parser.add_argument("--break", dest="broken", choices=sorted(BREAKS), help="without this defence: it turns red")
    parser.add_argument("--output", choices=("text", "json"), default="text")
    arguments = parser.parse_args(argv)
    arguments.only = [one for one in arguments.only.split(",") if one] or list(ATTACKS)
    for unknown in set(arguments.only) - set(ATTACKS):
        parser.error(f"there is no attack {unknown}; there are {', '.join(ATTACKS)}")
    return arguments


def run_attacks(world, names, edits, say):
    outcomes = []
    for name, attack in ATTACKS.items():
        if name not in names:
            continue
        began = time.monotonic()
        try:
            outcomes += attack(world, edits) if attack is store_edits else attack(world)
        except Exception as failure:  # pylint: disable=broad-except
            outcomes.append(Outcome(name, "it could not be tried", failure=f"{type(failure).__name__}: "
                                                                           f"{str(failure)[:300]}"))
        say(f"{name}: tried in {time.monotonic() - began:.1f} s")
    return sorted(outcomes, key=lambda one: int(one.attack[1:]) if one.attack[0] == "T" else 99)


def run(size, broken, names, say):
    """(the outcomes, how many values were planted) of these attacks on a world of this size, without a defence."""
    sources, members, edits = SIZES[size]
    world = worlds.World(without(broken))
    try:
        say("starting PostgreSQL and cofferd, planting values ...")
        world.start()
        world.application = Application(world, sources, members)
        world.application.fill()
        world.controls = Controls(world, world.application, sources, members)
        if world.defences.controls:
            world.controls.fill()
        outcomes = run_attacks(world, names, edits, say)
        return outcomes, sum(family.count for family in (world.secret, world.plain, world.pgcrypto))
    finally:
        world.close()


def use(programs, extension):
    """Says where the programs and the extension are; ends with what is missing."""
    Programs.bin, Build.folder = programs.resolve(), extension.resolve()
    exit_unless_installed()
    missing = [name for name in BUILT if not (Build.folder / name).exists()]
    if missing:
        sys.exit(f"{Build.folder} has no {missing[0]}; build pgext first")


def main(argv):
    arguments = parse_arguments(argv)
    use(arguments.bin, arguments.pgext)
    outcomes, planted = run("small" if arguments.small else "full", arguments.broken, arguments.only,
                            lambda text: print(text, file=sys.stderr, flush=True))
    if arguments.output == "json":
        print(as_json(outcomes, planted))
    else:
        print(f"{table(outcomes)}\n{summary(outcomes, planted)}")
    return 1 if any(one.verdict == RED for one in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
