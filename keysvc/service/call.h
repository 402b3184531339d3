// One call: who asks, and what is written down about it.
#pragma once

#include <cstdint>
#include <string>

#include "crypto/result.h"
#include "policy/principal.h"
#include "policy/roles.h"

namespace coffer::keysvc {

// Made by a door (rpc/) from what the transport proved, never from what the caller says.
struct Caller {
  policy::Principal principal;
  bool local = false;  // came over a unix socket of this host
};

// What one call did, without any value: the audit record's content. Names come from our own tables once they are
// resolved.
struct CallRecord {
  enum class Phase : std::uint8_t { kBegin, kResult, kCall };  // a mutation writes begin and result, a read one call
  Phase phase = Phase::kCall;
  std::string principal;
  policy::Role role = policy::Role::kApp;
  policy::Operation operation = policy::Operation::kShowStatus;
  std::string object;           // a field, a keyring, a tenant, a secret's path or a scope; empty: none
  std::string tenant;           // as the caller named it, once it is known to exist
  std::uint64_t items = 0;      // values asked for
  std::uint64_t failed = 0;     // of them
  std::uint64_t unmatched = 0;  // of them: found by a search, and not what was searched for
  bool allowed = false;
  std::string_view rule;  // the policy rule that decided
  bool ok = false;
  ErrorCode error = ErrorCode::kInternal;  // when !ok
  std::string_view failure;                // the error's text, a literal; when ok: what was not done besides
  std::uint64_t store_epoch = 0;           // a mutation's result: the epoch it gave the store
  std::string alone_reason;                // why one person did what asks two
};

}  // namespace coffer::keysvc
