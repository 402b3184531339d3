#include "keysvc/store/slot_params.h"

#include <algorithm>

#include "crypto/age_keys.h"
#include "crypto/cursor.h"

namespace coffer::keysvc {
namespace {

constexpr std::size_t kMaxRecipientText = 128;

Error Malformed() { return {ErrorCode::kInvalidArgument, "are not the parameters of a seal slot"}; }

struct EncodeVisitor {
  Bytes operator()(const KeyFileSlot&) const { return {}; }
  Bytes operator()(const PassphraseSlot& slot) const {
    Bytes bytes;
    Writer(bytes).U32(slot.argon2.passes).U32(slot.argon2.memory_kib).Raw(slot.argon2.salt);
    return bytes;
  }
  Bytes operator()(const SharesSlot& slot) const { return slot.set.Encode(); }
  Bytes operator()(const Pkcs11Slot& slot) const {
    Bytes bytes;
    Writer(bytes).Raw(slot.key_id).LengthPrefixed(slot.encrypted);
    return bytes;
  }
  Bytes operator()(const RecoverySlot& slot) const {
    Bytes bytes;
    Writer writer(bytes);
    writer.U8(static_cast<std::uint8_t>(slot.recipients.size()));
    for (const std::string& recipient : slot.recipients) writer.LengthPrefixed(recipient);
    writer.LengthPrefixed(slot.file);
    return bytes;
  }
  Bytes operator()(const CommandSlot& slot) const {
    Bytes bytes;
    Writer(bytes).LengthPrefixed(slot.encrypted);
    return bytes;
  }
};

Result<SlotParams> ParsePassphrase(Reader reader) {
  PassphraseSlot slot;
  slot.argon2.passes = reader.U32();
  slot.argon2.memory_kib = reader.U32();
  const ByteView salt = reader.Take(slot.argon2.salt.size());
  if (!reader.Finish() || !slot.argon2.Validate().ok()) return Malformed();
  std::copy(salt.begin(), salt.end(), slot.argon2.salt.begin());
  return SlotParams(slot);
}

Result<SlotParams> ParsePkcs11(Reader reader) {
  Pkcs11Slot slot;
  const ByteView id = reader.Take(slot.key_id.size());
  slot.encrypted = CopyOf(reader.TakeLengthPrefixed(kMaxSlotBlob));
  if (!reader.Finish() || slot.encrypted.empty()) return Malformed();
  std::copy(id.begin(), id.end(), slot.key_id.begin());
  return SlotParams(std::move(slot));
}

Result<SlotParams> ParseRecovery(Reader reader) {
  RecoverySlot slot;
  const std::size_t count = reader.U8();
  for (std::size_t i = 0; i < count && !reader.failed(); ++i) {
    slot.recipients.emplace_back(AsText(reader.TakeLengthPrefixed(kMaxRecipientText)));
    if (!AgeRecipient::Parse(slot.recipients.back()).ok()) return Malformed();
  }
  slot.file = CopyOf(reader.TakeLengthPrefixed(kMaxSlotBlob));
  if (!reader.Finish() || count == 0 || count > kMaxAgeKeys || slot.file.empty()) return Malformed();
  return SlotParams(std::move(slot));
}

Result<SlotParams> ParseCommand(Reader reader) {
  CommandSlot slot{.encrypted = CopyOf(reader.TakeLengthPrefixed(kMaxSlotBlob))};
  if (!reader.Finish() || slot.encrypted.empty()) return Malformed();
  return SlotParams(std::move(slot));
}

}  // namespace

SealSlotKind KindOf(const SlotParams& params) { return static_cast<SealSlotKind>(params.index() + 1); }

std::string_view SlotKindName(SealSlotKind kind) {
  switch (kind) {
    case SealSlotKind::kKeyFile:
      return "key-file";
    case SealSlotKind::kPassphrase:
      return "passphrase";
    case SealSlotKind::kShares:
      return "shares";
    case SealSlotKind::kPkcs11:
      return "pkcs11";
    case SealSlotKind::kRecovery:
      return "recovery";
    case SealSlotKind::kCommand:
      return "command";
  }
  return "";
}

Bytes EncodeSlotParams(const SlotParams& params) { return std::visit(EncodeVisitor{}, params); }

Result<SlotParams> ParseSlotParams(SealSlotKind kind, ByteView bytes) {
  switch (kind) {
    case SealSlotKind::kKeyFile:
      if (!bytes.empty()) return Malformed();
      return SlotParams(KeyFileSlot{});
    case SealSlotKind::kPassphrase:
      return ParsePassphrase(Reader(bytes));
    case SealSlotKind::kShares: {
      COFFER_ASSIGN_OR_RETURN(ShareSet set, ShareSet::Parse(bytes));
      return SlotParams(SharesSlot{std::move(set)});
    }
    case SealSlotKind::kPkcs11:
      return ParsePkcs11(Reader(bytes));
    case SealSlotKind::kRecovery:
      return ParseRecovery(Reader(bytes));
    case SealSlotKind::kCommand:
      return ParseCommand(Reader(bytes));
  }
  return Malformed();
}

}  // namespace coffer::keysvc
