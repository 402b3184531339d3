"""The house as tables: which folder may include what. The rules that read them are in include_rules.py."""

import re

# Each product folder and the folders that its project includes may name.
FLOORS = {
    "crypto": {"crypto"},
    "proto": {"proto"},
    "io": {"io", "crypto"},
    "policy": {"policy", "crypto"},
    "audit": {"audit", "crypto", "io"},
    "keysvc": {"keysvc", "crypto", "proto", "io", "policy", "audit"},
    "client": {"client", "crypto", "io", "audit", "proto"},
    "db": {"db", "client", "policy", "io", "crypto"},
    "backup": {"backup", "client", "io", "crypto"},
    "plugins": {"plugins", "client", "backup", "io", "crypto", "proto"},
    "cli": {"cli", "crypto", "proto", "io", "policy", "audit", "client", "db", "backup", "plugins"},
    "pgext": {"pgext"},
}
PRODUCT = tuple(FLOORS)
FREE = ("tests", "bench", "examples")  # may include everything

# Single headers that a folder may take from a folder that is otherwise closed to it.
SINGLE_HEADERS = {"pgext": {"crypto/field_header.h"}}

# Inside keysvc/: each inner floor and the inner floors that it may include. "" is the files beside main.cc.
KEYSVC_FLOORS = {
    "keys": {"keys"},
    "store": {"store", "keys"},
    "service": {"service", "store", "keys"},
    "seal": {"seal", "service", "store"},
    "rpc": {"rpc", "service"},
    "http": {"http", "service"},
    "": {""},
}
# May include every inner floor.
KEYSVC_ROOF = ("keysvc/main.cc", "keysvc/daemon.h", "keysvc/daemon.cc", "keysvc/call_log.h",
               "keysvc/service_upkeep.h", "keysvc/service_upkeep.cc")

# Generated protobuf headers are included as "coffer/v1/x.pb.h"; they belong to proto/.
GENERATED_PREFIX = "coffer/"

_EVERYWHERE_BUT_PGEXT = tuple(f"{folder}/" for folder in PRODUCT if folder != "pgext")
_GRPC_PLACES = ("keysvc/rpc/", "client/", "plugins/")
_PROTO_PLACES = tuple(f"{folder}/" for folder in ("keysvc", "client", "plugins", "cli"))

# Third-party headers: pattern of the header's path, its name in a finding, the path prefixes where it may be included.
LIBRARIES = tuple(
    (re.compile(pattern), name, places)
    for pattern, name, places in (
        (r"openssl/", "OpenSSL", ("crypto/",)),
        (r"sodium(\.h|/)", "libsodium", ("crypto/",)),
        (r"utf8proc", "utf8proc", ("crypto/",)),
        (r"(postgresql/)?(libpq-|libpq/)", "libpq", ("io/", "pgext/")),
        (r"sqlite3", "SQLite", ("io/",)),
        (r"curl/", "libcurl", ("io/",)),
        (r"httplib\.h", "cpp-httplib", ("io/",)),
        (r"(p11-kit(-1)?/|pkcs11)", "p11-kit", ("keysvc/seal/",)),
        (r"toml(\+\+|plusplus)", "toml++", ("policy/", "keysvc/config.cc")),
        (r"yaml-cpp/", "yaml-cpp", ("plugins/",)),
        (r"CLI/", "CLI11", ("cli/", "keysvc/main.cc")),
        (r"spdlog/", "spdlog", ("keysvc/",)),
        (r"zstd", "zstd", ("backup/",)),
        (r"(grpcpp|grpc\+\+|grpc)/", "gRPC", _GRPC_PLACES),
        (r"coffer/.*\.grpc\.pb\.h$", "generated gRPC code", _GRPC_PLACES),
        (r"google/", "protobuf", _PROTO_PLACES),
        (r"nlohmann/", "nlohmann-json", _EVERYWHERE_BUT_PGEXT),
        (r"fmt/", "fmt", _EVERYWHERE_BUT_PGEXT),
        (r"(gtest|gmock|benchmark)/", "a test library", ()),
    )
)

# The C++ library's headers have neither dot nor slash; these are the C library's and the kernel's.
SYSTEM_HEADER = re.compile(
    r"[a-z0-9_]+$|(sys|linux|net|netinet|arpa|asm|sanitizer)/"
    r"|(assert|cpuid|ctype|dirent|dlfcn|endian|err|errno|fcntl|features|fnmatch|getopt|glob|grp|immintrin|inttypes"
    r"|libgen|limits|locale|malloc|math|mntent|netdb|poll|pthread|pwd|sched|semaphore|setjmp|signal|spawn|stdarg|stddef"
    r"|stdint|stdio|stdlib|string|strings|syslog|termios|time|unistd|wmmintrin|x86intrin|arm_neon|arm_acle)\.h$"
)

# Floor 0 and policy/ do no I/O: what would open a door to the machine there.
_FILES = r"fstream|iostream|filesystem|fcntl\.h|sys/stat\.h|dirent\.h"
_SOCKETS = r"sys/socket\.h|sys/un\.h|netinet/.*|arpa/.*|netdb\.h|poll\.h|sys/epoll\.h"
_THREADS = r"thread|future|stop_token|condition_variable"
_CLOCKS = r"chrono|ctime|time\.h|sys/time\.h"
MACHINE_HEADERS = {
    "crypto": re.compile(rf"({_FILES}|{_SOCKETS}|{_THREADS}|{_CLOCKS})$"),
    "policy": re.compile(rf"({_FILES}|{_SOCKETS}|{_THREADS})$"),
}

# Names that say nothing.
BANNED_NAME_WORDS = {"util", "utils", "helper", "helpers", "common", "misc", "manager"}
BANNED_NAMES = BANNED_NAME_WORDS | {"data", "info"}


def top(path):
    """The top folder of a path, "" for a file in the root."""
    return path.split("/", 1)[0] if "/" in path else ""
