#include "client/log_memory.h"

#include <filesystem>
#include <stdlib.h>

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "coffer/v1/audit.grpc.pb.h"
#include "io/directory.h"
#include "io/file.h"
#include "tests/audit/witness_fixture.h"
#include "tests/support/temp_dir.h"

namespace coffer::client {
namespace {

namespace fs = std::filesystem;

// A service that shows a log, or says that it cannot.
class LogService final : public v1::AuditService::Service {
 public:
  grpc::Status GetCheckpoint(grpc::ServerContext*, const v1::GetCheckpointRequest*,
                             v1::GetCheckpointResponse* response) override {
    ++checkpoints;
    if (!status.ok()) return status;
    if (!later_sizes.empty()) {
      size = later_sizes.front();
      later_sizes.erase(later_sizes.begin());
    }
    response->set_origin(audit::kLogOrigin);
    response->set_vkey(vkey.empty() ? log->vkey().ToText() : vkey);
    response->set_note(note.empty() ? log->At(size).ToText() : note);
    return grpc::Status::OK;
  }
  grpc::Status ProveConsistency(grpc::ServerContext*, const v1::ProveConsistencyRequest* request,
                                v1::ProveConsistencyResponse* response) override {
    ++proofs;
    for (const Digest& hash : log->Prove({request->from_size(), request->to_size()})) {
      response->add_hashes(std::string(AsText(hash)).substr(0, hash_bytes));
    }
    return grpc::Status::OK;
  }

  audit::SignedLog* log = nullptr;
  std::uint64_t size = 0;
  std::vector<std::uint64_t> later_sizes;
  std::string vkey;
  std::string note;
  std::size_t hash_bytes = 32;
  grpc::Status status = grpc::Status::OK;
  int checkpoints = 0;
  int proofs = 0;
};

class LogMemoryTest : public ::testing::Test {
 protected:
  LogMemoryTest() {
    service.log = &log;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + (folder / "app.sock"), grpc::experimental::LocalServerCredentials(UDS));
    builder.RegisterService(&service);
    server = builder.BuildAndStart();
    ClientOptions options;
    options.server = "unix:" + folder.path();
    client = std::move(Client::Connect(options)).value();
  }

  // As a program that starts anew.
  RpcResult<void> Check() {
    // What was kept is old enough to be kept again.
    if (fs::exists(folder / "home/state")) Age(LogMemory::kKeepEveryUs);
    return CheckAt("unix:/run/coffer");
  }
  RpcResult<void> CheckAt(const std::string& place) { return LogMemory(folder / "home/state", place).Check(*client); }
  void Age(std::int64_t micros) const {
    for (const auto& entry : fs::directory_iterator(folder / "home/state")) {
      fs::last_write_time(entry, fs::file_time_type::clock::now() - std::chrono::microseconds(micros));
    }
  }
  RpcResult<void> Check(std::uint64_t size) {
    service.size = size;
    return Check();
  }
  std::vector<std::string> Files(std::string_view ending) const {
    std::vector<std::string> files;
    const std::vector<std::string> all = ListDirectory(folder / "home/state", 10).value();
    for (const std::string& name : all) {
      if (name.ends_with(ending)) files.push_back((folder / "home/state") + "/" + name);
    }
    return files;
  }
  std::string KeptFile() const {
    EXPECT_EQ(Files(".log").size(), 1u);
    return Files(".log").at(0);
  }
  std::string PlaceFile() const {
    EXPECT_EQ(Files(".server").size(), 1u);
    return Files(".server").at(0);
  }
  // The service's whole log is thrown away, and another one begun.
  void ShowAnotherLog() {
    const NoteSigner signer = NoteSigner::Create("coffer/another", KeyFrom(3)).value();
    service.vkey = signer.verifier().ToText();
    service.note = audit::SignCheckpoint(audit::TreeHead{}, signer)->ToText();
  }
  std::uint64_t KeptSize() const { return KeptLog::Parse(AsText(ReadFile(KeptFile(), 1 << 20).value()))->head.size; }
  static void ExpectRefused(const RpcResult<void>& checked, const std::string& part) {
    ASSERT_FALSE(checked.ok());
    EXPECT_EQ(checked.error().code, ErrorCode::kIntegrity);
    EXPECT_FALSE(checked.error().from_service);
    EXPECT_NE(checked.error().message.find(part), std::string::npos) << checked.error().message;
  }

  TempDir folder;
  audit::SignedLog log;
  LogService service;
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<Client> client;
};

TEST_F(LogMemoryTest, ALogThatGrowsIsKept) {
  for (const std::uint64_t size : {0, 1, 5, 5, 300}) {
    const RpcResult<void> checked = Check(size);
    ASSERT_TRUE(checked.ok()) << checked.error().message;
    EXPECT_EQ(KeptSize(), size);
  }
  EXPECT_EQ(service.proofs, 2) << "nothing is to be proved from nothing, or when it did not grow";
}

TEST_F(LogMemoryTest, ALogThatIsShorterIsRefusedWithBothSizes) {
  ASSERT_TRUE(Check(300).ok());
  ExpectRefused(Check(299),
                "this client has seen 300 records of the service's audit log, which has 299 records now: it was rolled "
                "back");
  EXPECT_EQ(KeptSize(), 300u) << "and nothing is forgotten";
  ExpectRefused(Check(1), "has 1 record now");
  EXPECT_TRUE(Check(300).ok());
}

TEST_F(LogMemoryTest, ALogThatWasRewrittenIsRefusedAtEverySize) {
  ASSERT_TRUE(Check(300).ok());
  audit::SignedLog fork(0, "another");
  service.log = &fork;
  ExpectRefused(Check(300), "300 records now that do not continue them: it was rewritten");
  ExpectRefused(Check(301), "has 301 records now that do not continue them");
  ExpectRefused(Check(299), "rolled back");
  EXPECT_EQ(KeptSize(), 300u);
}

TEST_F(LogMemoryTest, AnotherKeyForTheSameNameIsRefused) {
  ASSERT_TRUE(Check(5).ok());
  audit::SignedLog other(9);
  service.log = &other;
  ExpectRefused(Check(6), "signed by another key");
}

TEST_F(LogMemoryTest, AnotherLogAtAnotherPlaceIsKeptBesideIt) {
  ASSERT_TRUE(Check(5).ok());
  ShowAnotherLog();
  ASSERT_TRUE(CheckAt("other.example:7443").ok());
  EXPECT_EQ(Files(".log").size(), 2u);
  EXPECT_EQ(Files(".server").size(), 2u);
}

TEST_F(LogMemoryTest, AnotherLogAtAKnownPlaceIsRefusedUntilItsFileIsRemoved) {
  ASSERT_TRUE(Check(5).ok());
  const std::string file = PlaceFile();
  ShowAnotherLog();
  ExpectRefused(Check(),
                "the service at unix:/run/coffer shows another audit log than this client has seen there: the old one "
                "was thrown away");
  ExpectRefused(Check(), "when that was meant, remove " + file);
  EXPECT_EQ(Files(".log").size(), 1u) << "and nothing of the new one is kept";
  fs::remove(file);
  ASSERT_TRUE(Check().ok()) << "meant";
  service.vkey.clear();
  service.note.clear();
  ExpectRefused(Check(5), "shows another audit log");
}

TEST_F(LogMemoryTest, OneServiceHasSeveralPlaces) {
  ASSERT_TRUE(CheckAt("unix:/run/coffer").ok());
  ASSERT_TRUE(CheckAt("vault.example:7443").ok());
  EXPECT_EQ(Files(".log").size(), 1u);
  EXPECT_EQ(Files(".server").size(), 2u);
  const Bytes kept = ReadFile(Files(".server")[0], 1 << 20).value();
  EXPECT_LT(kept.size(), 300u);
}

TEST_F(LogMemoryTest, WithItsLogsFileRemovedAKnownPlaceStillKnowsTheKey) {
  ASSERT_TRUE(Check(5).ok());
  fs::remove(KeptFile());
  audit::SignedLog other(9);
  service.log = &other;
  ExpectRefused(Check(6), "signed by another key than this client has seen there");
  service.log = &log;
  EXPECT_TRUE(Check(3).ok()) << "a rollback that was meant";
}

TEST_F(LogMemoryTest, WhatIsKeptIsWrittenAgainAfterAMinute) {
  ASSERT_TRUE(Check(5).ok());
  const auto place_time = fs::last_write_time(PlaceFile());
  service.size = 9;
  ASSERT_TRUE(CheckAt("unix:/run/coffer").ok());
  EXPECT_EQ(KeptSize(), 5u) << "it is a moment old";
  Age(LogMemory::kKeepEveryUs - 5'000'000);
  ASSERT_TRUE(CheckAt("unix:/run/coffer").ok());
  EXPECT_EQ(KeptSize(), 5u);
  Age(LogMemory::kKeepEveryUs);
  ASSERT_TRUE(CheckAt("unix:/run/coffer").ok());
  EXPECT_EQ(KeptSize(), 9u);
  Age(-3'600'000'000);
  service.size = 12;
  ASSERT_TRUE(CheckAt("unix:/run/coffer").ok());
  EXPECT_EQ(KeptSize(), 12u) << "a clock that was set back does not stop it";
  EXPECT_NE(fs::last_write_time(PlaceFile()), place_time) << "the test has aged it";
}

TEST_F(LogMemoryTest, AServiceThatWasKnownShowsItsLogOrIsAway) {
  ASSERT_TRUE(Check(5).ok());
  for (const auto code :
       {grpc::StatusCode::PERMISSION_DENIED, grpc::StatusCode::UNIMPLEMENTED, grpc::StatusCode::FAILED_PRECONDITION,
        grpc::StatusCode::INTERNAL, grpc::StatusCode::NOT_FOUND, grpc::StatusCode::DATA_LOSS}) {
    service.status = grpc::Status(code, "no");
    const RpcResult<void> checked = Check(6);
    ASSERT_FALSE(checked.ok()) << code;
    EXPECT_EQ(checked.error().code, ErrorCode::kIntegrity) << code;
    EXPECT_FALSE(checked.error().from_service) << code;
  }
  for (const auto code : {grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::DEADLINE_EXCEEDED}) {
    service.status = grpc::Status(code, "no");
    EXPECT_EQ(Check(6).error().code, ErrorCode::kUnavailable) << code;
  }
  service.status = grpc::Status::OK;
  EXPECT_TRUE(Check(6).ok());
}

TEST_F(LogMemoryTest, APlacesFileThatWasEditedIsRefused) {
  ASSERT_TRUE(Check(5).ok());
  const std::string path = PlaceFile();
  const std::string good(AsText(ReadFile(path, 1 << 20).value()));
  for (const std::string& wrong : {std::string(), std::string("x\n"), good.substr(1), good + "x", good + "\n",
                                   good.substr(0, good.find('\n') + 1)}) {
    ASSERT_TRUE(WriteFileDurably(path, AsBytes(wrong), 0600).ok());
    ExpectRefused(Check(6), "remove it to begin anew");
  }
}

TEST_F(LogMemoryTest, WhatIsNotSignedIsRefused) {
  service.vkey = audit::SignedLog(9).vkey().ToText();
  ExpectRefused(Check(5), "is not signed by its key");
  service.vkey = "coffer";
  ExpectRefused(Check(5), "names no key");
  service.vkey.clear();
  service.note = "nothing\n";
  ExpectRefused(Check(5), "is not signed by its key");
  EXPECT_FALSE(Exists(folder / "home/state").value()) << "nothing is kept";
}

TEST_F(LogMemoryTest, AProofThatDoesNotHoldIsRefused) {
  ASSERT_TRUE(Check(5).ok());
  service.hash_bytes = 31;
  ExpectRefused(Check(9), "proof is malformed");
  EXPECT_EQ(KeptSize(), 5u);
  service.hash_bytes = 32;
  EXPECT_TRUE(Check(9).ok());
}

// Another process kept a newer checkpoint between our question and our look at what is kept.
TEST_F(LogMemoryTest, AnAnswerThatIsOlderThanWhatAnotherProcessKeptIsAskedForAgain) {
  ASSERT_TRUE(Check(9).ok());
  service.later_sizes = {7, 12};
  service.checkpoints = 0;
  ASSERT_TRUE(Check().ok());
  EXPECT_EQ(service.checkpoints, 2);
  EXPECT_EQ(KeptSize(), 12u);
}

TEST_F(LogMemoryTest, AMemoryThatWasEditedIsRefused) {
  ASSERT_TRUE(Check(5).ok());
  const std::string path = KeptFile();
  const std::string good(AsText(ReadFile(path, 1 << 20).value()));
  std::string larger = good;
  larger.replace(larger.find("\n5\n"), 3, "\n4\n");
  for (const std::string& wrong : {std::string(), std::string("x"), good.substr(1), larger, good + "x"}) {
    ASSERT_TRUE(WriteFileDurably(path, AsBytes(wrong), 0600).ok());
    ExpectRefused(Check(6), "remove it to begin anew");
  }
}

TEST_F(LogMemoryTest, AServiceThatIsNotKnownNeedsNoLog) {
  service.status = grpc::Status(grpc::StatusCode::UNAVAILABLE, "the disk is full");
  EXPECT_TRUE(Check(5).ok());
  EXPECT_EQ(service.checkpoints, 1) << "an outage is not waited for";
  service.status = grpc::Status(grpc::StatusCode::PERMISSION_DENIED, "not your role's");
  EXPECT_TRUE(Check(5).ok());
  EXPECT_FALSE(Exists(folder / "home/state").value()) << "nothing is kept";
}

TEST(LogMemoryFolderTest, TheEnvironmentSaysWhere) {
  const auto set = [](const char* name, const char* value) {
    value == nullptr ? unsetenv(name) : setenv(name, value, 1);
  };
  set("COFFER_STATE_DIR", "/a");
  set("XDG_STATE_HOME", "/b");
  set("HOME", "/c");
  EXPECT_EQ(LogMemory::FolderFromEnvironment(), "/a");
  set("COFFER_STATE_DIR", "");
  EXPECT_EQ(LogMemory::FolderFromEnvironment(), "");
  set("COFFER_STATE_DIR", nullptr);
  EXPECT_EQ(LogMemory::FolderFromEnvironment(), "/b/coffer");
  set("XDG_STATE_HOME", "relative");
  EXPECT_EQ(LogMemory::FolderFromEnvironment(), "/c/.local/state/coffer");
  set("HOME", nullptr);
  EXPECT_EQ(LogMemory::FolderFromEnvironment(), "");
}

}  // namespace
}  // namespace coffer::client
