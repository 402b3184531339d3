// Proofs, tiles, bundles and frontiers: what parses is written back to the same bytes, proofs that were made verify,
// fuzzed ones verify only when they are those, and the tile writer gives one tree whatever the sizes on the way. The
// first byte chooses the check.
#include <algorithm>
#include <map>

#include "audit/tile_writer.h"
#include "audit/tlog_proof.h"
#include "crypto/cursor.h"

namespace coffer::audit {
namespace {

constexpr std::size_t kLeaves = 64;

// The tree over "0", "1", ... "63"; its subtrees by level.
const std::vector<std::vector<Digest>>& FixedTree() {
  static const std::vector<std::vector<Digest>> levels = [] {
    std::vector<std::vector<Digest>> made(1);
    for (std::size_t i = 0; i < kLeaves; ++i) made[0].push_back(LeafHash(AsBytes(std::to_string(i))));
    while (made.back().size() > 1) {
      const std::vector<Digest>& below = made.back();
      std::vector<Digest> level;
      for (std::size_t i = 0; i < below.size(); i += 2) level.push_back(NodeHash(below[i], below[i + 1]));
      made.push_back(std::move(level));
    }
    return made;
  }();
  return levels;
}

HashSource FixedSource() {
  return [](unsigned level, std::uint64_t index) -> Result<Digest> { return FixedTree().at(level).at(index); };
}

TreeHead FixedHead(std::uint64_t size) { return FrontierAt(size, FixedSource()).value().Head(); }

Proof TakeProof(Reader& reader) {
  Proof proof;
  while (reader.remaining() >= sizeof(Digest)) {
    const ByteView hash = reader.Take(sizeof(Digest));
    std::copy(hash.begin(), hash.end(), proof.emplace_back().begin());
  }
  return proof;
}

void CheckTlogProof(std::string_view text) {
  const auto proof = TlogProof::Parse(text);
  if (!proof.ok()) return COFFER_CHECK(proof.error().code() == ErrorCode::kInvalidArgument);
  COFFER_CHECK(proof->ToText() == text && proof->inclusion.size() <= kMaxProofHashes);
  COFFER_CHECK(Checkpoint::Parse(proof->checkpoint.text).ok());
}

void CheckInclusion(ByteView input) {
  Reader reader(input);
  const std::uint64_t index = reader.U8();
  const std::uint64_t size = reader.U8() % kLeaves + 1;
  if (reader.failed()) return;
  const Proof fuzzed = TakeProof(reader);
  const auto made = MakeInclusionProof({index, size}, FixedSource());
  COFFER_CHECK(made.ok() == (index < size));
  const Digest& leaf = FixedTree()[0][index % kLeaves];
  COFFER_CHECK(VerifyInclusion(index, leaf, FixedHead(size), fuzzed).ok() == (made.ok() && *made == fuzzed));
}

void CheckConsistency(ByteView input) {
  Reader reader(input);
  const std::uint64_t from = reader.U8() % (kLeaves + 1);
  const std::uint64_t to = reader.U8() % (kLeaves + 1);
  if (reader.failed()) return;
  const Proof fuzzed = TakeProof(reader);
  const auto made = MakeConsistencyProof({from, to}, FixedSource());
  COFFER_CHECK(made.ok() == (from <= to));
  COFFER_CHECK(VerifyConsistency(FixedHead(from), FixedHead(to), fuzzed).ok() == (made.ok() && *made == fuzzed));
}

// No sizes and no hashes make the verifiers do anything but refuse.
void CheckWildProofs(ByteView input) {
  Reader reader(input);
  const std::uint64_t first = reader.U64();
  const std::uint64_t size = reader.U64();
  if (reader.failed()) return;
  const Proof fuzzed = TakeProof(reader);
  const Digest root = Sha256({AsBytes("a root that nothing leads to")});
  COFFER_CHECK(!VerifyInclusion(first, EmptyRoot(), {size, root}, fuzzed).ok());
  const bool grew = VerifyConsistency({first, EmptyRoot()}, {size, root}, fuzzed).ok();
  COFFER_CHECK(grew == (first == 0 && size != 0 && size <= kMaxTreeSize && fuzzed.empty()));
}

void CheckForms(ByteView input) {
  const auto tile = Tile::Parse(AsText(input));
  if (tile.ok()) COFFER_CHECK(AsBytes(tile->Path()).size() == input.size() && tile->Path() == AsText(input));
  const auto frontier = Frontier::Decode(input);
  if (frontier.ok()) COFFER_CHECK(frontier->Encode() == CopyOf(input));
  if (input.empty()) return;
  const std::size_t width = std::to_integer<std::size_t>(input.front()) + 1;
  const auto records = ParseBundle(input.subspan(1), width);
  if (records.ok()) {
    Bytes again;
    for (const ByteView record : *records) AppendToBundle(again, record);
    COFFER_CHECK(records->size() == width && again == CopyOf(input.subspan(1)));
  }
  const auto hashes = ParseHashes(input.subspan(1), width);
  if (hashes.ok()) COFFER_CHECK(EncodeHashes(*hashes) == CopyOf(input.subspan(1)));
}

// Each byte of the input: so many records more, then partial tiles; every eighth time a new writer goes on.
void CheckWriter(ByteView input) {
  std::map<std::string, Bytes> files;
  const TileSink sink = [&files](const Tile& tile, ByteView content) -> Status {
    const auto [file, is_new] = files.emplace(tile.Path(), CopyOf(content));
    COFFER_CHECK(is_new || file->second == CopyOf(content));
    return {};
  };
  const TileReader reader = [&files](const std::string& path) -> Result<Bytes> {
    const auto file = files.find(path);
    if (file == files.end()) return Error(ErrorCode::kNotFound, "no such tile");
    return file->second;
  };
  TileWriter writer;
  Frontier frontier;
  for (const std::byte step : input.first(std::min<std::size_t>(input.size(), 8))) {
    for (unsigned i = 0; i < std::to_integer<unsigned>(step); ++i) {
      const std::string record = std::to_string(frontier.size());
      frontier.Append(LeafHash(AsBytes(record)));
      COFFER_CHECK(writer.Append(AsBytes(record), sink).ok());
    }
    COFFER_CHECK(writer.WritePartial(sink).ok() && writer.Head() == frontier.Head());
    if (std::to_integer<unsigned>(step) % 8 == 0) writer = TileWriter::Resume(reader, frontier.Head()).value();
    TileHashes hashes(reader, writer.size());
    COFFER_CHECK(FrontierAt(writer.size(), hashes.Source()).value() == frontier);
  }
}

}  // namespace
}  // namespace coffer::audit

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace audit = coffer::audit;
  if (size == 0) return 0;
  const coffer::ByteView input = std::as_bytes(std::span(data + 1, size - 1));
  switch (data[0] % 6) {
    case 0:
      audit::CheckTlogProof(coffer::AsText(input));
      break;
    case 1:
      audit::CheckInclusion(input);
      break;
    case 2:
      audit::CheckConsistency(input);
      break;
    case 3:
      audit::CheckWildProofs(input);
      break;
    case 4:
      audit::CheckForms(input);
      break;
    default:
      audit::CheckWriter(input);
      break;
  }
  return 0;
}
