// A program with a SQLite file open, in a process of its own: locks of one process do not meet each other.
#pragma once

#include <array>
#include <cstdlib>
#include <signal.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sqlite3.h>

namespace coffer {

// Runs statements on a new connection of this process, which is closed again: SQLite's code. Only while nothing else of
// this process has the file open.
inline int RunSqlite(const std::string& path, const std::string& sql) {
  sqlite3* database = nullptr;
  int code = sqlite3_open(path.c_str(), &database);
  if (code == SQLITE_OK) code = sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr);
  sqlite3_close(database);
  return code;
}

// It waits for no lock. It is killed, without closing the file, when destroyed. Start it where no other thread runs.
class SqliteProgram {
 public:
  explicit SqliteProgram(const std::string& path) {
    if (pipe(orders_.data()) != 0 || pipe(answers_.data()) != 0) std::abort();
    child_ = fork();
    if (child_ == 0) Serve(path);
    close(orders_[0]);
    close(answers_[1]);
  }
  ~SqliteProgram() { Kill(); }
  SqliteProgram(const SqliteProgram&) = delete;
  SqliteProgram& operator=(const SqliteProgram&) = delete;

  // SQLite's code.
  int Run(const std::string& sql) {
    const std::size_t size = sql.size();
    if (write(orders_[1], &size, sizeof(size)) != sizeof(size)) return -1;
    if (write(orders_[1], sql.data(), size) != static_cast<ssize_t>(size)) return -1;
    int code = -1;
    return read(answers_[0], &code, sizeof(code)) == sizeof(code) ? code : -1;
  }

  // Closes the file and ends.
  void Close() {
    close(std::exchange(orders_[1], -1));
    waitpid(std::exchange(child_, -1), nullptr, 0);
  }
  // As a crash.
  void Kill() {
    if (child_ > 0) {
      kill(child_, SIGKILL);
      waitpid(std::exchange(child_, -1), nullptr, 0);
    }
    for (int* end : {&orders_[1], &answers_[0]}) {
      if (*end >= 0) close(std::exchange(*end, -1));
    }
  }

 private:
  static bool ReadWhole(int fd, void* out, std::size_t size) {
    for (std::size_t done = 0; done < size;) {
      const ssize_t count = read(fd, static_cast<char*>(out) + done, size - done);
      if (count <= 0) return false;
      done += static_cast<std::size_t>(count);
    }
    return true;
  }

  [[noreturn]] void Serve(const std::string& path) {
    close(orders_[1]);
    sqlite3* database = nullptr;
    sqlite3_open(path.c_str(), &database);
    for (std::size_t size = 0; ReadWhole(orders_[0], &size, sizeof(size));) {
      std::string sql(size, 0);
      if (!ReadWhole(orders_[0], sql.data(), size)) break;
      const int code = sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr);
      if (write(answers_[1], &code, sizeof(code)) != sizeof(code)) break;
    }
    sqlite3_close(database);
    _exit(0);
  }

  std::array<int, 2> orders_ = {-1, -1};
  std::array<int, 2> answers_ = {-1, -1};
  pid_t child_ = -1;
};

}  // namespace coffer
