// The key journal's reader and the parameters of seal slots: whatever is accepted is written back to the same bytes,
// and an image of it neither crashes nor believes what does not fit. The first byte chooses the check.
#include "io/crc32c.h"
#include "keysvc/store/slot_params.h"
#include "keysvc/store/store_image.h"

namespace coffer::keysvc {
namespace {

void CheckJournal(ByteView input) {
  const Result<JournalReader> opened = JournalReader::Open(input);
  if (!opened.ok()) return;
  JournalReader reader = *opened;
  std::size_t before = reader.whole_size();
  COFFER_CHECK(EncodeJournalHeader(reader.header()) == CopyOf(input.first(before)));
  while (true) {
    const Result<std::optional<CommitGroup>> group = reader.Next();
    if (!group.ok() || !*group) break;
    const Result<Bytes> again = EncodeGroup(**group);
    COFFER_CHECK(again.ok() && *again == CopyOf(input.subspan(before, reader.whole_size() - before)));
    before = reader.whole_size();
  }
  JournalReader second = *opened;
  const Result<StoreImage> image = StoreImage::Read(second);
  if (image.ok()) COFFER_CHECK(image->AsGroup().changes.size() == image->row_count());
}

// Payloads of two bytes of length each, under checksums that are right: past the first door.
Bytes Framed(ByteView input) {
  Bytes journal = EncodeJournalHeader({.store = {}, .base = StoreEpoch{1}});
  Reader reader(input);
  while (!reader.failed() && reader.remaining() > 0) {
    const ByteView payload = reader.Take(std::min<std::size_t>(reader.U16(), reader.remaining()));
    Writer(journal).U32(static_cast<std::uint32_t>(payload.size())).U32(Crc32c(payload)).Raw(payload);
  }
  return journal;
}

void CheckSlot(ByteView input) {
  if (input.empty()) return;
  const auto kind = static_cast<SealSlotKind>(input[0]);
  const Result<SlotParams> params = ParseSlotParams(kind, input.subspan(1));
  if (params.ok()) COFFER_CHECK(KindOf(*params) == kind && EncodeSlotParams(*params) == CopyOf(input.subspan(1)));
}

void Check(unsigned choice, ByteView input) {
  switch (choice % 3) {
    case 0:
      return CheckJournal(input);
    case 1:
      return CheckJournal(Framed(input));
    default:
      return CheckSlot(input);
  }
}

}  // namespace
}  // namespace coffer::keysvc

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  coffer::keysvc::Check(data[0], std::as_bytes(std::span(data, size).subspan(1)));
  return 0;
}
