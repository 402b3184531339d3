// Wiping allocation: free overwrites memory with zeros before it gives it back.
//
// Linking the object library coffer_wiping_free puts our free and realloc in front of glibc's for all code of the
// process, shared libraries included: what std::string, protobuf, gRPC's transport, OpenSSL and SQLite held is gone
// once freed, also where no SecretBytes could be used. Not covered: memory that is held and not freed (buffers in use,
// arenas, thread stacks), and what glibc frees inside itself while it starts. Thread-safe. Under sanitizers the library
// is empty: they bring their own allocator.
#pragma once

namespace coffer {

// True when this process wipes what it frees. Asks by doing: allocates, frees and looks where the freed block is handed
// out again; for start-up checks and tests.
bool WipesFreedMemory();

}  // namespace coffer
