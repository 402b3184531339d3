// ServiceSim: the real service (catalog, keys, vault, fields) over the real SQLite store over a disk that fails, and a
// ledger of what was acknowledged. One seed is one life: work, a power cut at a chosen step, and the check that every
// acknowledged thing is there.
#pragma once

#include <map>
#include <random>
#include <string>

#include "io/fault_vfs.h"
#include "keysvc/service/admin_service.h"
#include "keysvc/service/field_service.h"
#include "keysvc/service/key_service.h"
#include "keysvc/service/secret_service.h"
#include "keysvc/store/sqlite_store.h"

namespace coffer::sim {

class ServiceSim {
 public:
  // `key_folder` holds the seal's key file; memory-backed, or each seed waits for a disk.
  ServiceSim(std::uint64_t seed, const std::string& key_folder);
  ~ServiceSim();

  // Runs the life. Empty when every invariant held, else what broke, with the seed.
  std::string Run();

  // Breaks an invariant on purpose, to see that Run() notices: an acknowledged secret is forgotten by the disk.
  void ForgetASecretBeforeTheCheck() { forget_ = true; }

  std::uint64_t acknowledged() const { return acknowledged_; }
  bool crashed_midway() const { return crashed_midway_; }

 private:
  struct Service;
  struct Encrypted {
    std::int64_t row = 0;
    std::string plaintext;
    std::string ciphertext;
  };
  enum class Presence : std::uint8_t { kLive, kDeleted, kUnknown };
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
  void Acknowledge() { ++acknowledged_; }
  std::string Check();
  std::string CheckSecrets();
  std::string CheckFields();
  std::string Broken(const std::string& what) const;

  const std::uint64_t seed_;
  const std::string key_file_;
  std::mt19937_64 random_;
  FaultVfs disk_;
  FakeClock clock_;
  std::unique_ptr<Service> service_;
  bool prepared_ = false;  // init, keyring and catalog were acknowledged
  bool initialised_ = false;
  bool forget_ = false;
  bool crashed_midway_ = false;
  std::uint64_t acknowledged_ = 0;
  std::map<VersionKey, StoredVersion> secrets_;
  std::vector<Encrypted> fields_;
  std::uint32_t primary_ = 0;
  std::map<std::string, std::string> tenants_;  // name, UUID
};

}  // namespace coffer::sim
