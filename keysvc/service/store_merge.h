// Bringing an edge store home: what another store acknowledged, brought into this one in one mutation, so that every
// ciphertext, wrapped key, token and secret that was made there works here.
//
// What is known here already is found by its origin (store, keyring, version), by the key's id, by the tenant's, the
// scope's and the secret's UUID; so a store can be merged again and again, and only what is new comes in. Of two states
// of one thing the stricter counts, and nothing that was destroyed here is brought back. A version or tenant that was
// destroyed there and is alive here is scheduled for destruction here, with this service's delay and census; a version
// that encrypts here, or that a live index here is searched by, keeps its state.
//
// Not brought in: seal slots, KEKs, rotation periods, census sources and their reports, primary versions.
#pragma once

#include "keysvc/service/store_records.h"
#include "keysvc/store/store_image.h"
#include "policy/catalog_merge.h"

namespace coffer::keysvc {

inline constexpr std::size_t kMaxTenantRenames = 1'000;
inline constexpr std::size_t kMaxIndexMoves = 10'000;

struct MergeOptions {
  std::vector<std::pair<std::string, std::string>> renames = {};  // tenants: name there, name here
  std::string secrets_under = {};                                 // path in front of the secrets' paths; empty: none
  bool take_fields = false;                                       // fields that a scope here does not have
  bool dry_run = false;
};

// kInvalidArgument names what is wrong: names that are no slugs or twice there, a path that is none.
Status CheckMergeOptions(const MergeOptions& options);

// What came in, or would.
struct MergeFacts {
  StoreUuid store;   // that was merged in
  StoreEpoch epoch;  // its
  std::size_t tenants = 0;
  std::size_t keyrings = 0;
  std::size_t versions = 0;  // of keyrings
  std::size_t data_keys = 0;
  std::size_t scopes = 0;
  std::size_t fields = 0;          // into scopes that were here
  std::size_t index_versions = 0;  // that searches here ask for from now on
  std::size_t secrets = 0;
  std::size_t secret_versions = 0;
  std::size_t ended = 0;     // versions, tenants and secrets' versions that are stricter here than before
  std::size_t left_out = 0;  // data keys and secrets of what was destroyed here
  std::vector<policy::IndexMove> moves;
  bool changed = false;  // anything at all
  bool merged = false;   // and it is done
  StoreEpoch epoch_here;
};

// The store that is merged in, checked.
struct MergeSource {
  StoreImage image;
  StoreUuid uuid;
  RootKey root;
};

// Where it goes.
struct MergeTarget {
  StoreUuid uuid;
  const RootKey& root;
  std::int64_t now_us = 0;
  std::int64_t destroy_delay_us = 0;
  std::string by;  // a principal
};

// Writes into `mutation` what is to come in; commits nothing. On an error the mutation is to be dropped.
//
// kFailedPrecondition, kAlreadyExists or kResourceExhausted name what stands in the way: a backup of this very store; a
// keyring of another purpose; a tenant's or scope's name that is another's; a field that is not here; paths of secrets
// that are taken; two keys or two values where there can be one.
Result<MergeFacts> MergeStores(const MergeSource& source, const MergeTarget& target, const MergeOptions& options,
                               StoreMutation& mutation);

}  // namespace coffer::keysvc
