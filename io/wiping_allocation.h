// Wiping allocation: operator delete overwrites memory with zeros before it is freed.
//
// Linking the object library coffer_wiping_delete replaces the process's operator new and delete, in every form, for
// all code in it: what std::string, protobuf and gRPC (C++ parts) held is gone once freed, also where no SecretBytes
// could be used. Memory from malloc itself (C libraries) and from arenas that are never freed is not covered.
// Thread-safe. Under sanitizers the library is empty: they bring their own operators.
#pragma once

namespace coffer {

// True when this process wipes what it frees. Asks by doing: allocates, frees and looks where the freed block is handed
// out again; for start-up checks and tests.
bool WipesFreedMemory();

}  // namespace coffer
