// One call: who asks, and what is written down about it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "audit/record.h"
#include "keysvc/service/policies.h"
#include "keysvc/service/principal_limits.h"
#include "policy/signed_statements.h"

namespace coffer::keysvc {

// What a caller says of itself and of the call: recorded as claims, believed by nobody.
struct Claims {
  static constexpr std::size_t kMaxPurpose = 64;      // [A-Za-z0-9._-]
  static constexpr std::size_t kMaxOnBehalfOf = 128;  // printable ASCII
  static constexpr std::size_t kMaxRequestId = 64;    // [A-Za-z0-9._-]
  std::string purpose;
  std::string on_behalf_of;
  std::string request_id;

  // kInvalidArgument: one of them is longer than above or has other characters.
  Status Check() const;
};

class Approvals;
struct PendingApproval;

// Approval by others, as the caller wants it: to ask for it, or to use it; else all are empty.
struct ApprovalWish {
  std::string reason = {};             // why it is asked for
  std::string id = {};                 // of what was approved
  std::optional<Digest> request = {};  // of the whole request, whatever is in it; nothing: it is a stream

  bool empty() const { return reason.empty() && id.empty(); }
};

// What became of the wish: for just this act, under policies of this serial.
struct ApprovalGiven {
  std::uint64_t policy_serial = 0;
  policy::Operation operation = policy::Operation::kShowStatus;
  policy::ActFacts facts;
  std::string asked;                            // id of what was asked for; empty: nothing was
  std::shared_ptr<const PendingApproval> used;  // null: none was
};

// What a call has had. One that is done again neither takes nor asks for it a second time.
struct CallSoFar {
  std::uint64_t values = 0;  // of what the principal may have in a minute
  ApprovalGiven approval;
};

struct Withheld;

// Made by a door (rpc/) from what the transport proved, never from what the caller says; but for the claims.
struct Caller {
  policy::Principal principal;
  bool local = false;  // came over a unix socket of this host
  std::string peer = {};
  Claims claims = {};
  ApprovalWish approval = {};
  CallSoFar so_far = {};         // of a read that is done again: what the last record had
  std::int64_t accepted_us = 0;  // monotonic; 0: not known
  Withheld* withheld = nullptr;  // where the last record of the call goes; null: the pipeline waits for it
};

// What a request says that it is about, for its records: of a mutation's begin, and of what is refused before it is
// looked at. Names only: what has not a name's form is left out, whatever somebody put there by mistake.
struct Subject {
  std::string object;
  std::string tenant;
  std::string reason;

  // A keyring, a tenant, a source.
  static Subject Named(std::string_view name);
  // `path` empty: of all of the tenant's. `tenant` empty: "default".
  static Subject OfSecret(std::string_view tenant, std::string_view path);
  // A tenant's key under a keyring.
  static Subject OfKey(std::string_view tenant, std::string_view keyring);
  // What has a UUID, by its text.
  static Subject OfId(std::string_view id, std::string_view reason = {});
  // An act of which only the reason is told.
  static Subject Because(std::string_view reason);
};

// What one call did, without any value: the audit record's content. Names are the request's, in the form that names
// have, and of fields those that a catalog has once it is looked at.
struct CallRecord {
  enum class Phase : std::uint8_t { kBegin, kResult, kCall };  // a mutation writes begin and result, a read one call
  Phase phase = Phase::kCall;
  std::string principal;
  audit::Authentication authentication = audit::Authentication::kNone;
  std::string peer;
  Claims claims;  // empty when they are refused
  std::optional<Error> bad_claims;
  std::int64_t accepted_us = 0;  // monotonic
  policy::Role role = policy::Role::kApp;
  policy::Operation operation = policy::Operation::kShowStatus;
  std::string object;           // a field, a keyring, a tenant, a secret's path or a scope; empty: none
  std::string tenant;           // as the caller named it; empty: none
  std::uint64_t items = 0;      // values asked for
  std::uint64_t failed = 0;     // of them
  std::uint64_t unmatched = 0;  // of them: found by a search, and not what was searched for
  std::map<audit::ItemReason, std::uint64_t> reasons;  // of those that failed or did not match
  std::vector<std::uint64_t> keys;                     // ids of the data keys used
  std::vector<Bytes> rows;                             // ids, encoded, when they are at most audit::kMaxRowTags
  std::optional<Digest> rows_digest;                   // SHA-256 over all of them, encoded, in order
  PolicyPointer policy;                                // that decides; never null
  std::int64_t decided_us = 0;                         // since 1970: the hour that its rules look at
  bool allowed = false;
  bool decided = false;         // `allowed` is the last word; else it says what may be, before the request is looked at
  std::string_view rule;        // the policy's rule that decided; lives as long as the policy
  policy::AccessLimits limits;  // of the principal, when it is allowed
  PrincipalLimits* spent = nullptr;                      // what the principal has had; null: nobody counts
  std::shared_ptr<PrincipalLimits::InFlight> in_flight;  // while the call is, when that is limited
  std::optional<Error> over_limit;                       // more calls are in flight than the principal may have
  ApprovalWish approval;                                 // the caller's
  CallSoFar so_far;                                      // the call's, with what this run of it has had
  Approvals* approvals = nullptr;                        // of the store that is open; null: none is
  std::string asked;                                     // id of the approval that was asked for instead of acting
  bool ok = false;
  ErrorCode error = ErrorCode::kInternal;  // when !ok
  std::string_view failure;                // the error's text, a literal; when ok: what was not done besides
  StoreUuid store;                         // zeros: none is open
  std::uint64_t store_epoch = 0;           // when the act was done
  std::string reason;                      // why, in somebody's words; and who approved it
  std::optional<std::uint64_t> begin;      // a mutation's result: where its begin was recorded
};

// The last record of a call whose reply waits until it is durable.
struct Withheld {
  std::optional<CallRecord> record;
  std::optional<std::uint64_t> generation;  // of a read: released only while it is still this
};

}  // namespace coffer::keysvc
