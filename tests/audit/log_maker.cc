// Makes a log's folder for tests/audit/second_verifier_test.py:
//   audit_log_maker FOLDER SIZE... [pruned INDEX]
// The log grows through the sizes, each smaller than the next, with a checkpoint at each; the last one stays. Partial
// tiles that have become full are removed on the way. Beside it: FOLDER/vkey, FOLDER/witness, and for the last size, if
// it is not 0, proofs of its first, middle and last record in FOLDER/proof-INDEX, with the record in
// FOLDER/record-INDEX. `pruned`: records below INDEX are then dropped, with the log's note of it.
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>

#include "audit/pruned_note.h"
#include "audit/tile_writer.h"
#include "audit/tlog_proof.h"
#include "tests/crypto/note_vectors.h"

namespace coffer::audit {
namespace {

namespace fs = std::filesystem;

// Of many sizes, empty ones too, and of bytes that are no text.
Bytes RecordAt(std::uint64_t index) {
  const Digest digest = Sha256({AsBytes(std::to_string(index))});
  return Bytes(static_cast<std::size_t>(index * 7 % 97), digest[0]);
}

void WriteWhole(const fs::path& path, ByteView content) {
  fs::create_directories(path.parent_path());
  std::ofstream stream(path, std::ios::binary);
  stream << AsText(content);
  COFFER_CHECK(stream.good());
}

class LogMaker {
 public:
  explicit LogMaker(fs::path folder) : folder_(std::move(folder)) {}

  void GrowTo(std::uint64_t size) {
    const std::uint64_t before = writer_.size();
    COFFER_CHECK(size >= before);
    while (writer_.size() < size) COFFER_CHECK(writer_.Append(RecordAt(writer_.size()), Sink()).ok());
    COFFER_CHECK(writer_.WritePartial(Sink()).ok());
    for (const Tile& filled : FilledBy({before, size})) {
      COFFER_CHECK(fs::exists(folder_ / filled.Path()));
      COFFER_CHECK(fs::remove_all(folder_ / filled.PartialFolder()) > 0);
    }
    SignedNote note = SignCheckpoint(writer_.Head(), log_).value();
    note.signatures.push_back(witness_.Cosign(note.text, 1790000000 + size).value());
    checkpoint_ = note;
    WriteWhole(folder_ / "checkpoint", AsBytes(note.ToText()));
  }

  void WriteProof(std::uint64_t index) {
    TileHashes hashes(ReadTilesIn(folder_.string()), writer_.size());
    TlogProof proof;
    proof.index = index;
    proof.inclusion = MakeInclusionProof({index, writer_.size()}, hashes.Source()).value();
    proof.checkpoint = checkpoint_;
    WriteWhole(folder_ / ("proof-" + std::to_string(index)), AsBytes(proof.ToText()));
    WriteWhole(folder_ / ("record-" + std::to_string(index)), RecordAt(index));
  }

  void Prune(std::uint64_t first_kept) {
    TileHashes hashes(ReadTilesIn(folder_.string()), writer_.size());
    const TreeHead base = FrontierAt(first_kept, hashes.Source())->Head();
    for (std::uint64_t index = 0; index < first_kept / kTileWidth; ++index) {
      COFFER_CHECK(fs::remove(folder_ / Tile{TileKind::kRecords, 0, index, kTileWidth}.Path()));
    }
    WriteWhole(folder_ / kPrunedNote, AsBytes(SignPruned(base, log_)->ToText()));
  }

  void WriteKeys() {
    WriteWhole(folder_ / "vkey", AsBytes(log_.verifier().ToText()));
    WriteWhole(folder_ / "witness", AsBytes(witness_.verifier().ToText()));
  }

  std::uint64_t size() const { return writer_.size(); }

 private:
  TileSink Sink() {
    return [this](const Tile& tile, ByteView content) -> Status {
      WriteWhole(folder_ / tile.Path(), content);
      return {};
    };
  }

  fs::path folder_;
  TileWriter writer_;
  NoteSigner log_ = NoteSigner::Create("coffer/5acf2349-5267-7809-9a38-25188778f680", KeyFrom(0)).value();
  NoteCosigner witness_ = NoteCosigner::Create("witness.example/w1", KeyFrom(32)).value();
  SignedNote checkpoint_;
};

std::uint64_t NumberOf(std::string_view text) {
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  COFFER_CHECK(parsed.ec == std::errc() && parsed.ptr == text.data() + text.size());
  return number;
}

int Main(std::span<const char* const> arguments) {
  if (arguments.size() < 3) {
    std::cerr << "usage: audit_log_maker FOLDER SIZE... [pruned INDEX]\n";
    return 2;
  }
  LogMaker maker(arguments[1]);
  std::uint64_t first_kept = 0;
  if (arguments.size() > 4 && arguments[arguments.size() - 2] == std::string_view("pruned")) {
    first_kept = NumberOf(arguments.back());
    arguments = arguments.first(arguments.size() - 2);
  }
  for (const std::string_view text : arguments.subspan(2)) maker.GrowTo(NumberOf(text));
  maker.WriteKeys();
  if (maker.size() == 0) return 0;
  for (const std::uint64_t index : std::set<std::uint64_t>{0, maker.size() / 2, maker.size() - 1}) {
    maker.WriteProof(index);
  }
  if (first_kept > 0) maker.Prune(first_kept);
  return 0;
}

}  // namespace
}  // namespace coffer::audit

int main(int argc, char** argv) {
  const std::vector<const char*> arguments(argv, argv + argc);
  return coffer::audit::Main(arguments);
}
