// A real log of some hundred records in several files, and what an attacker does to a copy of it.
#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <set>

#include <gtest/gtest.h>

#include "audit/journal_files.h"
#include "audit/log.h"
#include "audit/signing_key.h"
#include "audit/verifier.h"
#include "crypto/cursor.h"
#include "io/crc32c.h"
#include "io/file.h"
#include "tests/crypto/note_vectors.h"
#include "tests/support/temp_dir.h"

namespace coffer::audit {

namespace fs = std::filesystem;

inline constexpr std::int64_t kLogStart = 1'795'250'000'000'000;  // 2026-11-21

inline Record CallRecordOf(std::string_view operation, RecordType type = RecordType::kCall) {
  Record record;
  record.type = type;
  record.role = "app";
  record.operation = operation;
  record.object = "shop.connection.password";
  record.allowed = true;
  record.outcome = "ok";
  record.items = 3;
  record.personal.principal = "unix:app:7";
  return record;
}

inline StoreUuid StoreOf(int number) {
  StoreUuid store;
  store.bytes.back() = static_cast<std::byte>(number);
  return store;
}

// A log's folder with its key beside it: "audit", "audit.key", "audit.key.signed".
class LogWorld {
 public:
  explicit LogWorld(std::string folder) : folder_(std::move(folder)) {}

  std::string audit() const { return folder_ + "/audit"; }
  std::string journal() const { return audit() + "/journal"; }
  std::string key() const { return folder_ + "/audit.key"; }
  std::string operator/(std::string_view name) const { return folder_ + "/" + std::string(name); }
  const std::string& folder() const { return folder_; }

  LogOptions Options() const {
    LogOptions options;
    options.folder = audit();
    options.key_file = key();
    options.file_bytes = kMinFileBytes;
    options.publish_every = std::chrono::hours(1);  // The tests publish.
    return options;
  }
  std::unique_ptr<Log> Open(const Clock& clock) const { return Log::Open(Options(), clock).value(); }

  NoteVerifier vkey() const { return ReadSigningKey(key()).value().verifier(); }
  VerifyOptions Verifying() const {
    return {.folder = audit(), .log_key = vkey(), .last_signed = key() + ".signed", .kept = {}, .witnesses = {}};
  }
  VerifyReport Verify() const { return VerifyLog(Verifying()); }

  // Of the journal, in order.
  std::vector<std::string> Files() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(journal())) {
      if (entry.path().extension() == ".journal") names.insert(entry.path().string());
    }
    return {names.begin(), names.end()};
  }

 private:
  const std::string folder_;
};

inline Bytes ReadWhole(const std::string& path) { return ReadFile(path, std::uint64_t{1} << 30).value(); }
inline void WriteWhole(const std::string& path, ByteView content) {
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  stream << AsText(content);
  COFFER_CHECK(stream.good());
}
inline void CopyTree(const std::string& from, const std::string& to) {
  fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
}

// Where the frames of a journal file are.
struct FramePlace {
  std::size_t offset = 0;
  FrameHead head;
};
inline std::vector<FramePlace> FramesOf(const Bytes& file) {
  const FileHeader header = ParseFileHeader(ByteView(file).first(kFileHeaderBytes)).value();
  std::vector<FramePlace> places;
  std::size_t offset = kFileHeaderBytes;
  while (true) {
    const std::optional<FrameHead> head = ParseFrameHead(header.mark, ByteView(file).subspan(offset));
    if (!head) return places;
    places.push_back({offset, *head});
    offset += head->frame_bytes();
  }
}

// The frame's CRC made right again.
inline void MendFrameAt(Bytes& content, const FramePlace& place) {
  const std::size_t size = place.head.frame_bytes();
  StoreU32(MutableBytes(content).subspan(place.offset + 8, 4),
           Crc32c(ByteView(content).subspan(place.offset + 12, size - 12)));
}

// Every record's bytes.
inline std::vector<Bytes> RecordsOfLog(const LogWorld& world, RecordRange range = {}) {
  const auto folder = DiskLogFolder(world.journal());
  JournalReader reader = std::move(JournalReader::Open(*folder, world.vkey().name(), range)).value();
  std::vector<Bytes> records;
  while (const std::optional<JournalReader::Record> record = reader.Next().value()) {
    records.push_back(CopyOf(record->bytes));
  }
  return records;
}

// What whoever can write the files, and knows the format, can do: a whole journal of these records, with right CRCs,
// roots and chain.
inline void WriteJournalAnew(const LogWorld& world, const std::vector<Bytes>& records) {
  fs::remove_all(world.journal());
  fs::create_directory(world.journal());
  const auto folder = DiskLogFolder(world.journal());
  JournalOptions options;
  options.origin = world.vkey().name();
  options.create = true;
  options.file_bytes = kMinFileBytes;
  const auto journal = std::move(Journal::Open(*folder, options)).value();
  for (std::size_t i = 0; i < records.size(); ++i) {
    // A hundred together, since each waits for the disk.
    if (i % 100 == 99 || i + 1 == records.size()) {
      COFFER_CHECK(journal->AppendAndWait(records[i]).ok());
    } else {
      journal->Append(records[i], [](const Result<std::uint64_t>& index) { COFFER_CHECK(index.ok()); });
    }
  }
}

// What whoever has the log's key as well can do: tiles and a checkpoint of these records, signed.
inline void SignAnew(const LogWorld& world) {
  const NoteSigner signer = ReadSigningKey(world.key()).value();
  fs::remove_all(world.audit() + "/tile");
  fs::remove(world.audit() + "/checkpoint");
  const auto folder = DiskLogFolder(world.journal());
  Frontier tree;
  for (const Bytes& record : RecordsOfLog(world)) tree.Append(LeafHash(record));
  Publisher publisher(*folder, signer, {.folder = world.audit(), .last_signed = world.key() + ".signed"});
  COFFER_CHECK(publisher.Start(TreeHead{}, tree.Head()).ok() && publisher.Publish(tree.Head()).ok());
}

// A record as it would be written, changed by `change`.
inline Bytes Changed(const Bytes& record, const std::function<void(Record&)>& change) {
  EncodedRecord decoded = DecodeRecord(record).value();
  change(decoded.record);
  return EncodeRecord(decoded.record, nullptr).value();
}

inline bool Finds(const VerifyReport& report, Check check) { return report.count(check) > 0; }

// "journal-roots x2, tiles x1": for messages of failed tests.
inline std::string FoundIn(const VerifyReport& report) {
  std::string text;
  for (const Finding& finding : report.findings()) {
    text += std::string(CheckName(finding.check)) + ": " + finding.place + ": " + finding.sentence + "\n";
  }
  return text.empty() ? "nothing" : text;
}

// The world that the tests copy: made once.
class GoodLog {
 public:
  static constexpr int kBefore = 500;  // records of yesterday
  static constexpr int kAfter = 500;

  static const GoodLog& Get() {
    static const GoodLog good;
    return good;
  }
  // As it is, and as it was yesterday.
  const std::string& today() const { return today_.folder(); }
  std::string yesterday() const { return folder_ / "yesterday"; }

 private:
  GoodLog() : today_(folder_ / "today") {
    fs::create_directory(today_.folder());
    FakeClock clock(kLogStart);
    Grow(clock, kBefore);
    CopyTree(today_.folder(), yesterday());
    Grow(clock, kAfter);
  }

  void Grow(FakeClock& clock, int count) {
    const auto log = today_.Open(clock);
    for (int i = 0; i < count; ++i) {
      clock.Advance(1'000);
      Record record = CallRecordOf("DecryptFields");
      if (i % 10 == 4) {
        record = CallRecordOf("RotateKeyring", RecordType::kBegin);
        const std::uint64_t begin = log->AppendAndWait(record).value();
        record.type = RecordType::kResult;
        record.begin = begin;
        record.store = StoreOf(1);
        record.store_epoch = ++epoch_;
      }
      COFFER_CHECK(log->AppendAndWait(std::move(record)).ok());
      // Several records a frame, now and then.
      if (i % 50 == 7) {
        for (int j = 0; j < 20; ++j) log->Append(CallRecordOf("EncryptFields"), [](const Result<std::uint64_t>&) {});
      }
      if (i % 100 == 99) COFFER_CHECK(log->PublishNow().ok());
    }
  }

  TempDir folder_;
  LogWorld today_;
  std::uint64_t epoch_ = 100;
};

// Each test works on its own copy.
class LogCopyTest : public ::testing::Test {
 protected:
  LogCopyTest() : world(folder / "world") { CopyTree(GoodLog::Get().today(), world.folder()); }

  TempDir folder;
  LogWorld world;
};

}  // namespace coffer::audit
