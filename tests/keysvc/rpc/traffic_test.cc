// Many calls at once, while keys change and while the daemon stops: never a wrong plaintext, only documented errors,
// always an answer.
#include <atomic>
#include <thread>

#include "coffer/v1/field.pb.h"
#include "coffer/v1/key.pb.h"
#include "coffer/v1/secret.pb.h"
#include "tests/keysvc/rpc/rpc_fixture.h"
#include "tests/support/wait_until.h"

namespace coffer::keysvc {
namespace {

using policy::Role;

v1::DecryptFieldsRequest EmailRequest(const std::string& value, std::int64_t row) {
  v1::DecryptFieldsRequest request;
  v1::Column* column = request.add_columns();
  column->set_field("shop.user.email");
  column->add_rows()->add_parts()->set_int64(row);
  column->add_values(value);
  return request;
}

// One application that remembers what it wrote. Each answer is right, or one of the documented errors.
class Worker {
 public:
  Worker(Wire wire, int number) : wire_(std::move(wire)), number_(number) {}

  void Step(int step) {
    switch (step % 4) {
      case 0:
        Encrypt(step);
        break;
      case 1:
        Decrypt();
        break;
      case 2:
        Rewrap();
        break;
      default:
        PutAndGet(step);
        break;
    }
  }
  // Of a value written before: right, or nothing because its key is disabled.
  void Decrypt() {
    if (ciphertext_.empty()) return;
    const Answer answer = wire_.Call("FieldService.DecryptFields", EmailRequest(ciphertext_, row_));
    if (!Documented(answer)) return;
    const auto column = answer.As<v1::DecryptFieldsResponse>().columns(0);
    if (Disabled(column)) return;
    EXPECT_EQ(column.values(0), plaintext_);
    ++decrypted_;
  }
  int decrypted() const { return decrypted_; }
  int disabled() const { return disabled_; }
  int unavailable() const { return unavailable_; }

 private:
  void Encrypt(int step) {
    const std::string plaintext = "plaintext " + std::to_string(number_) + "/" + std::to_string(step);
    const Answer answer = wire_.Call("FieldService.EncryptFields", EmailRequest(plaintext, step));
    if (!Documented(answer)) return;
    ciphertext_ = answer.As<v1::EncryptFieldsResponse>().columns(0).values(0);
    plaintext_ = plaintext;
    row_ = step;
  }
  void Rewrap() {
    if (ciphertext_.empty()) return;
    const Answer answer = wire_.Call("FieldService.RewrapFields", EmailRequest(ciphertext_, row_));
    if (!Documented(answer)) return;
    const auto column = answer.As<v1::RewrapFieldsResponse>().columns(0);
    if (!Disabled(column)) ciphertext_ = column.values(0);
  }
  void PutAndGet(int step) {
    const std::string path = "path: 'worker/" + std::to_string(number_) + "' ";
    const std::string value = "secret " + std::to_string(number_) + "/" + std::to_string(step);
    if (!Documented(wire_.Call("SecretService.PutSecret", path + "value: '" + value + "'"))) return;
    const Answer answer = wire_.Call("SecretService.GetSecret", path);
    if (!Documented(answer)) return;
    EXPECT_EQ(answer.As<v1::GetSecretResponse>().value(), value);
  }
  bool Disabled(const v1::ColumnResult& column) {
    if (column.errors_size() == 0) return false;
    EXPECT_EQ(column.errors(0).code(), v1::ITEM_ERROR_CODE_KEY_DISABLED) << "an item that does not decrypt";
    EXPECT_EQ(column.values(0), "");
    ++disabled_;
    return true;
  }
  // True: ok. Keys that keep changing while a call runs are the one outage that may be met here.
  bool Documented(const Answer& answer) {
    if (answer.ok()) return true;
    EXPECT_EQ(answer.code, grpc::StatusCode::UNAVAILABLE) << answer.ToText();
    EXPECT_EQ(answer.error, "unavailable") << answer.ToText();
    ++unavailable_;
    return false;
  }

  Wire wire_;
  int number_;
  std::string ciphertext_;
  std::string plaintext_;
  std::int64_t row_ = 0;
  int decrypted_ = 0;
  int disabled_ = 0;
  int unavailable_ = 0;
};

class TrafficTest : public RpcFixture {
 protected:
  Wire NewWire(Role role) const {
    return Wire::ToSocket(data_dir() + "/" + std::string(policy::RoleName(role)) + ".sock");
  }

  // Rotates, disables what was primary and enables it again, until told to stop; ends with every version enabled.
  void ChangeKeys(const std::atomic<bool>& stop, std::atomic<int>& rounds) const {
    const Wire admin = NewWire(Role::kAdmin);
    while (!stop) {
      const auto keyring = admin.Call("KeyService.RotateKeyring", "name: 'shop'").As<v1::Keyring>();
      const std::string old = "name: 'shop' version: " + std::to_string(keyring.primary_version() - 1);
      EXPECT_TRUE(admin.Call("KeyService.DisableKeyVersion", old).ok());
      EXPECT_TRUE(admin.Call("KeyService.EnableKeyVersion", old).ok());
      ++rounds;
    }
  }
};

TEST_F(TrafficTest, PlaintextsAreRightWhileKeysChange) {
  constexpr int kWorkers = 4;
  constexpr int kCalls = 200;
  StartShop();
  std::vector<Worker> workers;
  for (int number = 0; number < kWorkers; ++number) workers.emplace_back(NewWire(Role::kApp), number);
  std::atomic<bool> stop{false};
  std::atomic<int> rounds{0};
  std::thread changer([&] { ChangeKeys(stop, rounds); });
  std::vector<std::thread> threads;
  for (Worker& worker : workers) {
    threads.emplace_back([&worker] {
      for (int step = 0; step < kCalls; ++step) worker.Step(step);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(WaitUntil([&] { return rounds >= 1; }));
  stop = true;
  changer.join();

  int decrypted = 0;
  for (Worker& worker : workers) {
    const int before = worker.decrypted();
    worker.Decrypt();
    EXPECT_EQ(worker.decrypted(), before + 1) << "with every version enabled, all decrypts";
    decrypted += worker.decrypted();
    RecordProperty("disabled", worker.disabled());
    RecordProperty("unavailable", worker.unavailable());
  }
  EXPECT_GE(decrypted, kWorkers * 10);
}

TEST_F(TrafficTest, StopAnswersEveryCall) {
  constexpr int kCallers = 4;
  StartShop();
  std::atomic<int> answered{0};
  std::vector<Answer> last(kCallers);
  std::vector<std::thread> callers;
  for (Answer& answer : last) {
    callers.emplace_back([&, wire = NewWire(Role::kApp)] {
      for (int step = 0;; ++step) {
        const bool put = step % 2 == 0;
        answer = put ? wire.Call("SecretService.PutSecret", "path: 'busy' value: 'v'")
                     : wire.Call("SecretService.GetSecret", "path: 'app/db'");
        if (!answer.ok()) return;
        ++answered;
      }
    });
  }
  EXPECT_TRUE(WaitUntil([&] { return answered >= 10 * kCallers; }));
  daemon->Stop();
  for (std::thread& caller : callers) caller.join();
  for (const Answer& answer : last) {
    const bool expected = answer.code == grpc::StatusCode::UNAVAILABLE || answer.code == grpc::StatusCode::CANCELLED;
    EXPECT_TRUE(expected) << answer.ToText();
  }
  daemon->Stop();  // again: nothing
}

TEST_F(TrafficTest, WhatWasAcknowledgedIsThereAfterARestart) {
  StartShop();
  const auto encrypted = Call("FieldService.EncryptFields", "columns { field: 'shop.note.body' values: 'kept' }")
                             .As<v1::EncryptFieldsResponse>();
  daemon.reset();
  Config config = DefaultSockets();
  config.key_file = key_file();
  StartDaemon(config);
  EXPECT_EQ(Status().state(), v1::SERVICE_STATE_UNSEALED) << "by the configured key file";
  const auto decrypted =
      Call("FieldService.DecryptFields",
           "columns { field: 'shop.note.body' values: " + Quoted(encrypted.columns(0).values(0)) + " }")
          .As<v1::DecryptFieldsResponse>();
  EXPECT_EQ(decrypted.columns(0).values(0), "kept");
  EXPECT_EQ(Call("SecretService.GetSecret", "path: 'app/db'").As<v1::GetSecretResponse>().value(), "second");
}

TEST_F(TrafficTest, AWrongKeyFileLeavesTheServiceSealedAndAnswering) {
  StartShop();
  daemon.reset();
  Config config = DefaultSockets();
  config.key_file = folder / "missing.key";
  StartDaemon(config);
  EXPECT_EQ(Status().state(), v1::SERVICE_STATE_SEALED);
  EXPECT_EQ(Call("SecretService.GetSecret", "path: 'app/db'").error, "sealed");
}

TEST_F(TrafficTest, ASecondDaemonDoesNotGetTheFolder) {
  StartShop();
  const auto second = Daemon::Start(DefaultSockets(), true);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(Status().state(), v1::SERVICE_STATE_UNSEALED) << "the first one goes on";
}

}  // namespace
}  // namespace coffer::keysvc
