// Shares and their sets: what parses is written back to the same bytes, a text has one meaning, only the shares of a
// set are counted, and what is split combines. The first byte chooses the check.
#include <algorithm>

#include "crypto/cursor.h"
#include "crypto/internal/share_seeds.h"
#include "crypto/share_combiner.h"

namespace coffer {
namespace {

using internal::ShareSeeds;

Bytes Revealed(const SecretBytes& secret) { return CopyOf(secret.Expose(SecretAccess::kTest)); }

SecretBytes Filled(ByteView bytes, std::size_t size) {
  SecretBytes secret(size);
  std::copy_n(bytes.begin(), std::min(bytes.size(), size), secret.ExposeMutable(SecretAccess::kTest).begin());
  return secret;
}

// Lower case and without separators: what two spellings of one text have in common.
std::string Bare(std::string_view text) {
  std::string bare;
  for (const char c : text) {
    if (std::string_view("- \t\r\n").find(c) != std::string_view::npos) continue;
    bare += c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  }
  return bare;
}

void CheckText(ByteView input) {
  const auto share = Share::Parse(SecretBytes::CopyOf(input));
  if (!share.ok()) {
    COFFER_CHECK(share.error().code() == ErrorCode::kInvalidArgument);
    return;
  }
  const SecretBytes text = share->ToText();
  COFFER_CHECK(Bare(AsText(input)) == Bare(AsText(text.Expose(SecretAccess::kTest))));
  COFFER_CHECK(Revealed(Share::Parse(text)->ToBytes()) == Revealed(share->ToBytes()));
}

void CheckBytes(ByteView input) {
  const auto share = Share::FromBytes(SecretBytes::CopyOf(input));
  if (share.ok()) COFFER_CHECK(Revealed(share->ToBytes()) == CopyOf(input));
  const auto set = ShareSet::Parse(input);
  if (!set.ok()) return;
  COFFER_CHECK(set->Encode() == CopyOf(input) && set->digests.size() >= set->threshold);
  COFFER_CHECK(ShareCombiner::Create(*set).ok());
}

const ShareSplit& FixedSplit() {
  static const ShareSplit split = [] {
    ShareSeeds seeds;
    seeds.uuid.bytes.fill(std::byte{7});
    seeds.coefficients = SecretBytes(64);
    return seeds.Split(SecretBytes(kShareSecretSize), {3, 5}).value();
  }();
  return split;
}

// 51 bytes under a check that is right: counted only when they are one of the set's shares.
void CheckForged(ByteView input) {
  Bytes bytes = CopyOf(input.first(std::min(input.size(), kShareSize - 4)));
  bytes.resize(kShareSize - 4);
  const Digest check = Sha256({AsBytes(std::string_view("coffer/v1/share-check\0", 22)), bytes});
  Append(bytes, ByteView(check).first(4));
  auto share = Share::FromBytes(SecretBytes::CopyOf(bytes));
  if (!share.ok()) return;
  ShareCombiner combiner = ShareCombiner::Create(FixedSplit().set).value();
  if (!combiner.Add(*std::move(share)).ok()) return;
  COFFER_CHECK(std::any_of(FixedSplit().shares.begin(), FixedSplit().shares.end(),
                           [&bytes](const Share& ours) { return Revealed(ours.ToBytes()) == bytes; }));
}

void CheckSplit(ByteView input) {
  Reader reader(input);
  const auto threshold = static_cast<std::uint8_t>(reader.U8() % 15 + 2);
  const auto count = static_cast<std::uint8_t>(threshold + reader.U8() % (17U - threshold));
  const std::size_t first = reader.U8();
  if (reader.failed()) return;
  const SecretBytes secret = Filled(reader.Take(std::min(reader.remaining(), kShareSecretSize)), kShareSecretSize);
  ShareSeeds seeds;
  seeds.uuid.bytes.fill(std::byte{9});
  seeds.coefficients = Filled(reader.Take(reader.remaining()), (threshold - 1U) * kShareSecretSize);
  const ShareSplit split = seeds.Split(secret, {threshold, count}).value();
  ShareCombiner combiner = ShareCombiner::Create(split.set).value();
  for (std::size_t i = first; combiner.Missing() > 0; ++i) {
    COFFER_CHECK(!combiner.Combine().ok());
    COFFER_CHECK(combiner.Add(Share::Parse(split.shares[i % count].ToText()).value()).ok());
  }
  COFFER_CHECK(Revealed(combiner.Combine().value()) == Revealed(secret));
}

void Check(unsigned choice, ByteView input) {
  switch (choice % 4) {
    case 0:
      return CheckText(input);
    case 1:
      return CheckBytes(input);
    case 2:
      return CheckForged(input);
    default:
      return CheckSplit(input);
  }
}

}  // namespace
}  // namespace coffer

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  coffer::Check(data[0], std::as_bytes(std::span(data, size).subspan(1)));
  return 0;
}
