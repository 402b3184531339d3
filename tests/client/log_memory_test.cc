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
  RpcResult<void> Check() { return LogMemory(folder / "home/state").Check(*client); }
  RpcResult<void> Check(std::uint64_t size) {
    service.size = size;
    return Check();
  }
  std::string KeptFile() const {
    const auto names = ListDirectory(folder / "home/state", 10);
    EXPECT_EQ(names->size(), 1u);
    return (folder / "home/state") + "/" + names->at(0);
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

TEST_F(LogMemoryTest, AnotherLogIsKeptBesideIt) {
  ASSERT_TRUE(Check(5).ok());
  const audit::NoteSigner signer = audit::NoteSigner::Create("coffer/another", audit::KeyFrom(3)).value();
  service.vkey = signer.verifier().ToText();
  service.note = audit::SignCheckpoint(audit::TreeHead{}, signer)->ToText();
  ASSERT_TRUE(Check().ok());
  EXPECT_EQ(ListDirectory(folder / "home/state", 10)->size(), 2u);
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

TEST_F(LogMemoryTest, WhatTheServiceSaysIsPassedOn) {
  service.status = grpc::Status(grpc::StatusCode::UNAVAILABLE, "the disk is full");
  const RpcResult<void> down = Check(5);
  ASSERT_FALSE(down.ok());
  EXPECT_EQ(down.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(service.checkpoints, 1) << "an outage is not waited for";
  service.status = grpc::Status(grpc::StatusCode::PERMISSION_DENIED, "not your role's");
  EXPECT_TRUE(Check(5).ok()) << "a role that sees no checkpoint has no memory";
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
