// Gives a file, a pipe and a listening socket of this program to commands: handoff takes them out of it by number.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"syscall"
)

// Runs a command with handles of this process, which the options name.
func handoff(options, command string) error {
	cmd := exec.Command("handoff.exe")
	cmd.SysProcAttr = &syscall.SysProcAttr{CmdLine: fmt.Sprintf(
		"handoff --parent %d %s -- %s", os.Getpid(), options, command)}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

func passFile() error {
	file, err := os.Open("app.ini")
	if err != nil {
		return err
	}
	defer file.Close() // not before handoff has ended
	return handoff(fmt.Sprintf("--copy cfg=%d", file.Fd()), "perl child.pl {cfg}")
}

func passPipe() error {
	reader, writer, err := os.Pipe()
	if err != nil {
		return err
	}
	err = handoff(fmt.Sprintf("--copy out=%d --stdout out", writer.Fd()), "cmd /c echo through a pipe")
	writer.Close() // the command has had its own
	if err != nil {
		return err
	}
	text, err := io.ReadAll(reader)
	fmt.Printf("%s", text)
	return err
}

func passSocket() error {
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return err
	}
	defer listener.Close()
	socket, err := listener.SyscallConn()
	if err != nil {
		return err
	}
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		return err
	}
	defer client.Close()
	var number uintptr
	if err = socket.Control(func(handle uintptr) { number = handle }); err != nil {
		return err
	}
	if err = handoff(fmt.Sprintf("--copy web=%d", number), "perl server.pl {web}"); err != nil {
		return err
	}
	text, err := io.ReadAll(client)
	fmt.Printf("%s", text)
	return err
}

func main() {
	for _, pass := range []func() error{passFile, passPipe, passSocket} {
		if err := pass(); err != nil {
			log.Fatal(err)
		}
	}
}
