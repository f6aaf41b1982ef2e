# Gives a file of this program to a command: handoff takes it out of the program by number.
import msvcrt, os, subprocess

with open("app.ini", "rb") as file:  # not closed before handoff has ended
    number = msvcrt.get_osfhandle(file.fileno())
    subprocess.run(f"handoff --parent {os.getpid()} --copy cfg={number} -- perl child.pl {{cfg}}", check=True)
