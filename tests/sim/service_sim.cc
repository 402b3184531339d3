#include "tests/sim/service_sim.h"

#include "io/directory.h"

namespace coffer::sim {
namespace {

using keysvc::Caller;
using policy::Role;

constexpr char kCatalog[] =
    "scope = \"shop\"\n[field.\"user.email\"]\nclass = \"pii\"\nkeyring = \"shop\"\nrow = \"int64\"\n";
constexpr int kOperations = 14;
constexpr std::uint64_t kLongestLife = 260;  // disk steps; some lives end without a cut

Caller CallerOf(Role role) {
  return {.principal = {.id = "sim", .role = role, .method = policy::Principal::Method::kUnixSocket}, .local = true};
}

}  // namespace

struct ServiceSim::Service {
  std::unique_ptr<keysvc::SqliteStore> store;
  std::unique_ptr<keysvc::Barrier> barrier;
  std::unique_ptr<keysvc::Pipeline> pipeline;
  std::unique_ptr<keysvc::FieldService> fields;
  std::unique_ptr<keysvc::KeyService> keys;
  std::unique_ptr<keysvc::SecretService> secrets;
  std::unique_ptr<keysvc::AdminService> admin;
  const Caller app = CallerOf(Role::kApp);
  const Caller administrator = CallerOf(Role::kAdmin);
};

ServiceSim::ServiceSim(std::uint64_t seed, const std::string& key_folder)
    : seed_(seed), key_file_(key_folder + "/" + std::to_string(seed) + ".key"), random_(seed), disk_(seed) {}

ServiceSim::~ServiceSim() { Stop(); }

std::uint64_t ServiceSim::Below(std::uint64_t limit) {
  return std::uniform_int_distribution<std::uint64_t>(0, limit - 1)(random_);
}

std::string ServiceSim::Broken(const std::string& what) const { return "seed " + std::to_string(seed_) + ": " + what; }

bool ServiceSim::Start() {
  auto service = std::make_unique<Service>();
  auto store = keysvc::SqliteStore::Open({.path = "store.db", .vfs = disk_.name()});
  if (!store.ok()) return false;
  service->store = std::move(store).value();
  auto barrier = keysvc::Barrier::Open(*service->store, clock_, {.store_dir = "", .keys = {.cipher_cache = 64}});
  if (!barrier.ok()) return false;
  service->barrier = std::move(barrier).value();
  service->pipeline =
      std::make_unique<keysvc::Pipeline>(*service->barrier, [](const keysvc::CallRecord&) { return Status(); });
  service->fields = std::make_unique<keysvc::FieldService>(*service->pipeline, clock_, *service->barrier);
  service->keys = std::make_unique<keysvc::KeyService>(*service->pipeline);
  service->secrets = std::make_unique<keysvc::SecretService>(*service->pipeline, clock_);
  service->admin = std::make_unique<keysvc::AdminService>(
      *service->pipeline,
      keysvc::AdminService::Options{.started_us = 0, .memory_locked = false, .key_file = key_file_});
  service_ = std::move(service);
  return true;
}

void ServiceSim::Stop() { service_.reset(); }

bool ServiceSim::Prepare() {
  const keysvc::KeyFileSeal seal{.path = key_file_, .allow_same_device = true};
  if (service_->barrier->state() == keysvc::BarrierState::kUninitialised) {
    if (!RemoveTree(key_file_).ok()) return false;  // of an init that a cut ended
    if (!service_->admin->Init(service_->administrator, seal, true).ok()) return false;
    initialised_ = true;
  } else if (!service_->admin->Unseal(service_->administrator, std::nullopt).ok()) {
    return false;
  }
  if (prepared_) return true;
  if (!service_->keys->GetKeyring(service_->administrator, "shop").ok() &&
      !service_->keys->CreateKeyring(service_->administrator, "shop").ok()) {
    return false;
  }
  if (service_->admin->ShowCatalog(service_->administrator, "shop").ok()) return prepared_ = true;
  prepared_ = service_->admin->Apply(service_->administrator, kCatalog, "", "").ok();
  return prepared_;
}

void ServiceSim::PutSecret() {
  const std::string path = "p/" + std::to_string(Below(3));
  const std::string value = "value-" + std::to_string(random_()) + std::string(Below(3000), 'x');
  const auto put = service_->secrets->Put(service_->app, {.name = {.tenant = "", .path = path},
                                                          .value = AsBytes(value),
                                                          .expected_version = std::nullopt,
                                                          .expires_us = 0,
                                                          .metadata = std::nullopt});
  if (!put.ok()) return;
  secrets_[{path, put->version.value}] = {.value = value, .presence = Presence::kLive};
  Acknowledge();
}

void ServiceSim::ToggleSecret() {
  if (secrets_.empty()) return;
  auto chosen = secrets_.begin();
  std::advance(chosen, static_cast<std::ptrdiff_t>(Below(secrets_.size())));
  const keysvc::SecretName name{.tenant = "", .path = chosen->first.first};
  const std::vector<keysvc::SecretVersion> versions{keysvc::SecretVersion{chosen->first.second}};
  StoredVersion& stored = chosen->second;
  const bool hide = stored.presence == Presence::kLive;
  const auto changed = hide ? service_->secrets->Delete(service_->app, name, versions)
                            : service_->secrets->Undelete(service_->app, name, versions);
  stored.presence = !changed.ok() ? Presence::kUnknown : hide ? Presence::kDeleted : Presence::kLive;
  if (changed.ok()) Acknowledge();
}

void ServiceSim::EncryptField() {
  Encrypted made{.row = static_cast<std::int64_t>(Below(1000)),
                 .plaintext = "mail-" + std::to_string(random_()),
                 .ciphertext = {}};
  keysvc::FieldColumn column{.field = "shop.user.email",
                             .tenant = "",
                             .values = {AsBytes(made.plaintext)},
                             .row_parts = {made.row},
                             .row_width = 1,
                             .contexts = {}};
  std::string tenant;
  if (!tenants_.empty() && Below(2) == 0) tenant = tenants_.begin()->first;
  column.tenant = tenant;
  auto output = service_->fields->Encrypt(service_->app, {column});
  if (!output.ok()) return;
  Acknowledge();
  if (!tenant.empty())
    return;  // the key of another tenant: it was durable before use, which the first tenant's values show too
  made.ciphertext = std::move(output->columns.front().values.front());
  fields_.push_back(std::move(made));
}

void ServiceSim::Rotate() {
  const auto rotated = service_->keys->RotateKeyring(service_->administrator, "shop", {});
  if (!rotated.ok()) return;
  primary_ = rotated->keyring.primary.value;
  Acknowledge();
}

void ServiceSim::AddTenant() {
  const std::string name = "t" + std::to_string(random_());
  const auto tenant = service_->keys->CreateTenant(service_->administrator, name);
  if (!tenant.ok()) return;
  tenants_[name] = tenant->uuid.ToText();
  Acknowledge();
}

void ServiceSim::Work() {
  for (int i = 0; i < kOperations && !disk_.crashed(); ++i) {
    clock_.Advance(1000);
    switch (Below(8)) {
      case 0:
        Rotate();
        break;
      case 1:
        AddTenant();
        break;
      case 2:
        ToggleSecret();
        break;
      case 3:
      case 4:
        EncryptField();
        break;
      default:
        PutSecret();
        break;
    }
  }
}

std::string ServiceSim::CheckSecrets() {
  if (forget_ && !secrets_.empty()) secrets_.begin()->second.value += "-never-written";
  for (const auto& [key, stored] : secrets_) {
    const auto got =
        service_->secrets->Get(service_->app, {.tenant = "", .path = key.first}, keysvc::SecretVersion{key.second});
    if (stored.presence == Presence::kDeleted && got.ok())
      return Broken("a version whose deletion was acknowledged is readable");
    if (stored.presence != Presence::kLive) continue;
    if (!got.ok()) return Broken("an acknowledged secret is not there: " + got.error().ToString());
    if (AsText(got->value.Expose(SecretAccess::kTest)) != stored.value)
      return Broken("an acknowledged secret has another value");
  }
  return "";
}

std::string ServiceSim::CheckFields() {
  for (const Encrypted& made : fields_) {
    const keysvc::FieldColumn column{.field = "shop.user.email",
                                     .tenant = "",
                                     .values = {AsBytes(made.ciphertext)},
                                     .row_parts = {made.row},
                                     .row_width = 1,
                                     .contexts = {}};
    const auto output = service_->fields->Decrypt(service_->app, {column});
    if (!output.ok()) return Broken("decrypting failed: " + output.error().ToString());
    if (output->columns.front().values.front() != made.plaintext)
      return Broken("an acknowledged ciphertext does not decrypt");
  }
  return "";
}

std::string ServiceSim::Check() {
  if (initialised_ && service_->barrier->state() == keysvc::BarrierState::kUninitialised)
    return Broken("an acknowledged init is gone");
  if (!Prepare()) return Broken("the service does not come back");
  const auto keyring = service_->keys->GetKeyring(service_->administrator, "shop");
  if (!keyring.ok() || keyring->keyring.primary.value < primary_) return Broken("an acknowledged rotation is gone");
  for (const auto& [name, uuid] : tenants_) {
    const auto resolved = service_->barrier->Enter().value()->keys->ResolveTenant(name);
    if (!resolved.ok() || resolved->ToText() != uuid) return Broken("an acknowledged tenant is gone");
  }
  const std::string secrets = CheckSecrets();
  return secrets.empty() ? CheckFields() : secrets;
}

std::string ServiceSim::Run() {
  disk_.CrashAtStep(1 + Below(kLongestLife));
  if (Start() && Prepare()) Work();
  crashed_midway_ = disk_.crashed();
  Stop();
  disk_.CrashAtStep(0);
  disk_.Reboot();
  if (!Start()) return Broken("the store does not open after the cut");
  std::string broken = Check();
  Stop();
  return broken;
}

}  // namespace coffer::sim
