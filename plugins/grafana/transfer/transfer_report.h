// TransferReport: what moving credentials between a Grafana database and the vault came to.
#pragma once

#include "plugins/grafana/transfer/open_credentials.h"

namespace coffer::grafana {

enum class TransferOutcome : std::uint8_t {
  kCreated,
  kUnchanged,
  kUpdated,
  kAdded,    // to the database
  kSkipped,  // for its reason
  kHeld,     // others are why nothing was written
};
std::string_view TransferOutcomeName(TransferOutcome outcome);

struct TransferredCredential {
  CredentialKind kind = CredentialKind::kDatasource;
  std::string path;                 // of the vault; empty when it has none
  std::vector<std::string> places;  // "data_source.secure_json_data: password of id=1 org_id=1", printable
  TransferOutcome outcome = TransferOutcome::kSkipped;
  SkipReason reason = SkipReason::kNone;
};

enum class TransferRefusal : std::uint8_t {
  kNone,
  kOpensNothing,  // the key is not the database's
  kUnproven,      // nothing speaks against the key, and too little for it
  kUnreadable,    // something cannot be taken: see accept_unreadable
  kOtherValue,    // the vault holds other values: see overwrite
};
// "opens-nothing"...; empty for kNone.
std::string_view TransferRefusalName(TransferRefusal refusal);
TransferRefusal RefusalOf(KeyRefusal refusal);

// Places and paths, never a value.
struct TransferReport {
  TransferRefusal refusal = TransferRefusal::kNone;  // anything else: nothing was changed
  std::vector<TransferredCredential> credentials;
  std::vector<LeftOut> left_out;

  // Once the refusal is known: with one, what has no problem itself is held.
  void Add(const CredentialRows& rows, const Credential& credential, TransferOutcome outcome);
  std::size_t Count(TransferOutcome outcome) const;
};

// Whether this reason keeps the others from being taken.
bool IsObstacle(SkipReason reason);

}  // namespace coffer::grafana
