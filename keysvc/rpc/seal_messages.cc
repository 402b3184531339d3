#include "keysvc/rpc/seal_messages.h"

namespace coffer::keysvc {
namespace {

SecretBytes SecretOf(const std::string& bytes) { return SecretBytes::CopyOf(AsBytes(bytes)); }

Result<SharePlan> PlanOf(const v1::NewShares& message) {
  if (message.threshold() < kMinShareThreshold || message.threshold() > message.count()) {
    return Error(ErrorCode::kInvalidArgument, "must be 2 to the count of shares")
        .At("shares.threshold")
        .WithLimit(message.count());
  }
  if (message.count() > kMaxShares) {
    return Error(ErrorCode::kInvalidArgument, "is more than allowed").At("shares.count").WithLimit(kMaxShares);
  }
  return SharePlan{.threshold = static_cast<std::uint8_t>(message.threshold()),
                   .count = static_cast<std::uint8_t>(message.count())};
}

}  // namespace

Result<std::vector<AgeRecipient>> RecipientsOf(const google::protobuf::RepeatedPtrField<std::string>& texts) {
  if (texts.empty() || static_cast<std::size_t>(texts.size()) > kMaxAgeKeys) {
    return Error(ErrorCode::kInvalidArgument, "must be one or more, and no more than allowed")
        .At("recipients")
        .WithLimit(kMaxAgeKeys);
  }
  std::vector<AgeRecipient> recipients;
  for (int i = 0; i < texts.size(); ++i) {
    Result<AgeRecipient> recipient = AgeRecipient::Parse(texts[i]);
    if (!recipient.ok()) return std::move(recipient).error().At("recipients[" + std::to_string(i) + "]");
    recipients.push_back(*recipient);
  }
  return recipients;
}

Result<RecoveryProof> ProofOf(const v1::NewRecovery& message) {
  Result<std::vector<AgeRecipient>> recipients = RecipientsOf(message.recipients());
  if (!recipients.ok()) return std::move(recipients).error().At("recovery");
  return RecoveryProof{.recipients = std::move(recipients).value(), .answer = SecretOf(message.proof())};
}

Result<NewSeal> SealOf(const v1::NewSeal& message) {
  switch (message.seal_case()) {
    case v1::NewSeal::kKeyFile:
      return NewSeal(
          KeyFileSeal{.path = message.key_file().path(), .allow_same_device = message.key_file().allow_same_device()});
    case v1::NewSeal::kPassphrase:
      return NewSeal(PassphraseSeal{.passphrase = SecretOf(message.passphrase())});
    case v1::NewSeal::kShares: {
      COFFER_ASSIGN_OR_RETURN(const SharePlan plan, PlanOf(message.shares()));
      return NewSeal(NewShares{.plan = plan});
    }
    case v1::NewSeal::kPkcs11:
      return NewSeal(Pkcs11Seal{.pin = SecretOf(message.pkcs11().pin())});
    case v1::NewSeal::kCommand:
      return NewSeal(CommandSeal{});
    case v1::NewSeal::kRecovery:
      return Error(ErrorCode::kInvalidArgument, "a recovery slot is not for this").At("seal");
    case v1::NewSeal::SEAL_NOT_SET:
      break;
  }
  return Error(ErrorCode::kInvalidArgument, "names no kind of seal slot").At("seal");
}

Result<WantedSeal> WantedSealOf(const v1::NewSeal& message) {
  if (message.seal_case() == v1::NewSeal::kRecovery) {
    COFFER_ASSIGN_OR_RETURN(RecoveryProof proof, ProofOf(message.recovery()));
    return WantedSeal(std::move(proof));
  }
  COFFER_ASSIGN_OR_RETURN(NewSeal seal, SealOf(message));
  return WantedSeal(std::move(seal));
}

Result<std::vector<AgeIdentity>> IdentitiesOf(const std::string& file) {
  Result<std::vector<AgeIdentity>> identities = ParseAgeIdentities(SecretOf(file));
  if (!identities.ok()) return std::move(identities).error().At("recovery_identity");
  return identities;
}

Result<std::optional<SealSource>> SourceOf(const v1::UnsealRequest& message) {
  using Source = std::optional<SealSource>;
  switch (message.seal_case()) {
    case v1::UnsealRequest::kKeyFilePath:
      return Source(KeyFileSeal{.path = message.key_file_path(), .allow_same_device = true});
    case v1::UnsealRequest::kPassphrase:
      return Source(PassphraseSeal{.passphrase = SecretOf(message.passphrase())});
    case v1::UnsealRequest::kRecoveryIdentity: {
      COFFER_ASSIGN_OR_RETURN(std::vector<AgeIdentity> identities, IdentitiesOf(message.recovery_identity()));
      return Source(RecoverySeal{.identities = std::move(identities)});
    }
    case v1::UnsealRequest::kPkcs11:
      return Source(Pkcs11Seal{.pin = SecretOf(message.pkcs11().pin())});
    case v1::UnsealRequest::kCommand:
      return Source(CommandSeal{});
    case v1::UnsealRequest::kShare:
      return Error(ErrorCode::kInvalidArgument, "a share is for unsealing only").At("seal");
    case v1::UnsealRequest::SEAL_NOT_SET:
      break;
  }
  return Source();
}

void FillSlot(const SealSlotRecord& slot, v1::SealSlot& message) {
  message.set_id(slot.slot.value);
  message.set_kind(std::string(SlotKindName(KindOf(slot.params))));
  message.set_label(slot.label);
  message.set_created_us(slot.created_us);
  if (const auto* shares = std::get_if<SharesSlot>(&slot.params)) {
    message.set_threshold(shares->set.threshold);
    message.set_shares(static_cast<std::uint32_t>(shares->set.digests.size()));
  }
  if (const auto* recovery = std::get_if<RecoverySlot>(&slot.params)) {
    for (const std::string& recipient : recovery->recipients) message.add_recipients(recipient);
  }
}

}  // namespace coffer::keysvc
