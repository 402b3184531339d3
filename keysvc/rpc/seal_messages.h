// Messages about seal slots, to plain structs and back.
#pragma once

#include "coffer/v1/admin.pb.h"
#include "keysvc/service/operator_service.h"

namespace coffer::keysvc {

// Errors are kInvalidArgument with a path from the message on.
Result<std::vector<AgeRecipient>> RecipientsOf(const google::protobuf::RepeatedPtrField<std::string>& texts);
Result<RecoveryProof> ProofOf(const v1::NewRecovery& message);
// Of any kind but recovery, which has to be proven.
Result<NewSeal> SealOf(const v1::NewSeal& message);
Result<WantedSeal> WantedSealOf(const v1::NewSeal& message);
// Nothing: the configured key file. Not for a share.
Result<std::optional<SealSource>> SourceOf(const v1::UnsealRequest& message);
Result<std::vector<AgeIdentity>> IdentitiesOf(const std::string& file);

void FillSlot(const SealSlotRecord& slot, v1::SealSlot& message);
template <typename Message>
void FillShares(const std::vector<Share>& shares, Message& message) {
  for (const Share& share : shares)
    message.add_shares(std::string(AsText(share.ToText().Expose(SecretAccess::kReply))));
}

}  // namespace coffer::keysvc
