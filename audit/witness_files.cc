// The files of a witness's state.
#include "audit/witness.h"
#include "io/file.h"

namespace coffer::audit {
namespace {

class Files final : public WitnessStore {
 public:
  explicit Files(std::string folder) : folder_(std::move(folder)) {}

  Result<std::optional<std::string>> Load(const std::string& origin) override {
    const Result<Bytes> note = ReadFile(PathOf(origin) + ".checkpoint", kMaxNoteSize);
    if (note.ok()) return std::optional<std::string>(AsText(*note));
    if (note.error().code() == ErrorCode::kNotFound) return std::optional<std::string>();
    return note.error();
  }
  Status Save(const std::string& origin, const std::string& note) override {
    return WriteFileDurably(PathOf(origin) + ".checkpoint", AsBytes(note), 0600);
  }
  Status KeepFork(const std::string& origin, const std::string& note) override {
    return WriteFileDurably(PathOf(origin) + ".fork", AsBytes(note), 0600);
  }

 private:
  // An origin may have any characters.
  std::string PathOf(const std::string& origin) const { return folder_ + "/" + ToHex(Sha256({AsBytes(origin)})); }

  const std::string folder_;
};

}  // namespace

std::unique_ptr<WitnessStore> FilesOfWitness(std::string folder) { return std::make_unique<Files>(std::move(folder)); }

}  // namespace coffer::audit
