// What persons sign (docs/FORMAT.md section 13): a policy that is to be applied, and an act of another person. The
// texts are those of signed notes (crypto/note.h); the first line says which of the two it is, so that a signature of
// one is none of the other. What parses gives the same text again. Thread-safe.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "crypto/hash.h"
#include "crypto/ids.h"
#include "policy/operation.h"

namespace coffer::policy {

inline constexpr std::size_t kMaxStatementBytes = 64 * 1024;
inline constexpr std::size_t kMaxActFacts = 1'024;
inline constexpr std::size_t kMaxFactKey = 32;       // [a-z0-9-]
inline constexpr std::size_t kMaxFactValue = 2'048;  // bytes; characters that all show

// "Apply exactly this policy to this store."
struct PolicyStatement {
  StoreUuid store;
  std::uint64_t serial = 0;  // from 1
  Digest sha256{};           // of the policy's text

  static PolicyStatement Of(StoreUuid store, std::uint64_t serial, std::string_view policy_text);
  std::string ToText() const;
  // kInvalidArgument: anything else than what ToText writes.
  static Result<PolicyStatement> Parse(std::string_view text);
  bool operator==(const PolicyStatement&) const = default;
};

using ApprovalUuid = UuidOf<struct ApprovalTag>;

// What an act is about: names with their UUIDs and present state, and parameters, in the order of the operation.
class ActFacts {
 public:
  ActFacts() = default;
  // A value with a character that does not show, or a longer one, becomes its SHA-256: "sha256:0b2c...".
  ActFacts& Add(std::string_view key, std::string_view value);
  ActFacts& Add(std::string_view key, std::uint64_t value);

  const std::vector<std::pair<std::string, std::string>>& lines() const { return lines_; }
  bool operator==(const ActFacts&) const = default;

 private:
  std::vector<std::pair<std::string, std::string>> lines_;
};

// "Let this person do exactly this, once, until then."
struct ApprovalStatement {
  StoreUuid store;
  ApprovalUuid id;  // chosen by the service; in its random part the nonce
  std::uint64_t policy_serial = 0;
  std::string rule;       // which asks for approvals
  std::string requester;  // a principal
  std::int64_t not_after_unix_s = 0;
  std::string reason;  // the requester's, as IsReason
  Operation operation = Operation::kShowStatus;
  ActFacts facts;

  // kInvalidArgument: more facts or bytes than allowed.
  Result<std::string> ToText() const;
  // kInvalidArgument: anything else than what ToText writes.
  static Result<ApprovalStatement> Parse(std::string_view text);
  bool operator==(const ApprovalStatement&) const = default;
};

// "What the policy keeps for an emergency may be used by this principal, until then": signed by the key that is kept
// offline.
struct BreakGlassStatement {
  static constexpr std::int64_t kMaxAhead = 3600;  // seconds from signing to the end

  StoreUuid store;
  ApprovalUuid id;  // chosen by who writes it; used once
  std::uint64_t policy_serial = 0;
  std::string principal;  // who may use it, a principal
  std::int64_t not_after_unix_s = 0;
  std::string reason;  // with the incident's ticket, as IsReason

  std::string ToText() const;
  // kInvalidArgument: anything else than what ToText writes.
  static Result<BreakGlassStatement> Parse(std::string_view text);
  bool operator==(const BreakGlassStatement&) const = default;
};

}  // namespace coffer::policy
