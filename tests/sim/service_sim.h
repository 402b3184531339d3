// ServiceSim: the real service (catalog, keys, vault, fields, root key) over the real SQLite store and key journal, on
// disks that fail, and a ledger of what was acknowledged. One seed is one life of a few boots: work, a power cut at a
// chosen step of either disk, sometimes somebody who puts an old copy of the store back, and the check of three
// invariants: what was acknowledged decrypts, what was destroyed never does, a rolled-back store serves nothing.
#pragma once

#include <map>
#include <random>
#include <set>
#include <string>

#include "io/fault_vfs.h"
#include "keysvc/service/admin_service.h"
#include "keysvc/service/field_service.h"
#include "keysvc/service/key_service.h"
#include "keysvc/service/operator_service.h"
#include "keysvc/service/secret_service.h"
#include "keysvc/store/sqlite_store.h"
#include "tests/support/fault_folder.h"

namespace coffer::sim {

class ServiceSim {
 public:
  // `key_folder` holds the seal's key file; memory-backed, or each seed waits for a disk.
  ServiceSim(std::uint64_t seed, const std::string& key_folder);
  ~ServiceSim();

  // Runs the life. Empty when every invariant held, else what broke, with the seed.
  std::string Run();

  // Break each invariant on purpose, to see that Run() notices: an acknowledged secret is forgotten; what was destroyed
  // is taken for what was not; a store that was put back is served, because its journal went back with it.
  void ForgetASecretBeforeTheCheck() { forget_ = true; }
  void BringBackWhatWasDestroyed() { revive_ = true; }
  void PutTheJournalBackToo() { collude_ = true; }

  std::uint64_t acknowledged() const { return acknowledged_; }
  bool crashed_midway() const { return crashed_midway_; }
  bool was_put_back() const { return was_put_back_; }
  std::uint64_t destroyed() const { return destroyed_; }

 private:
  struct Service;
  struct Encrypted {
    std::int64_t row = 0;
    std::string plaintext;
    std::string ciphertext;
    std::uint32_t version = 0;  // of the keyring
  };
  enum class Presence : std::uint8_t { kLive, kDeleted, kUnknown, kDestroyed };
  struct StoredVersion {
    std::string value;
    Presence presence = Presence::kLive;
  };
  using VersionKey = std::pair<std::string, std::int64_t>;  // path, version

  std::uint64_t Below(std::uint64_t limit);
  bool Start();
  void Stop();
  bool Prepare();
  void Work();
  void PutSecret();
  void ToggleSecret();
  void EncryptField();
  void Rotate();
  void AddTenant();
  void DestroySecret();
  void DestroyVersion();
  void Rekey();
  void Life();
  std::string Return();
  std::string CheckServesNothing();
  bool Unseal();
  void Acknowledge() { ++acknowledged_; }
  std::string Check();
  std::string CheckSecrets();
  std::string CheckFields();
  std::string Broken(const std::string& what) const;

  const std::uint64_t seed_;
  const std::string key_prefix_;
  std::string key_file_;
  std::set<std::string> key_files_;  // of rekeys whose outcome is not known
  std::mt19937_64 random_;
  FaultVfs disk_;
  FaultFolder journal_disk_;
  std::optional<keysvc::StoreImage> copy_;  // of the store, by somebody who means to put it back
  std::map<std::string, Bytes> journal_copy_;
  FakeClock clock_;
  std::unique_ptr<Service> service_;
  bool prepared_ = false;  // init, keyring and catalog were acknowledged
  bool initialised_ = false;
  bool forget_ = false;
  bool revive_ = false;
  bool collude_ = false;
  bool was_put_back_ = false;
  std::uint64_t destroyed_ = 0;
  std::set<std::uint32_t> destroyed_versions_;
  bool crashed_midway_ = false;
  std::uint64_t acknowledged_ = 0;
  std::map<VersionKey, StoredVersion> secrets_;
  std::vector<Encrypted> fields_;
  std::vector<Encrypted> doomed_;  // of versions whose destruction was asked for; either way
  std::vector<Encrypted> gone_;    // of versions whose destruction was acknowledged
  std::uint32_t primary_ = 0;
  std::map<std::string, std::string> tenants_;  // name, UUID
};

}  // namespace coffer::sim
